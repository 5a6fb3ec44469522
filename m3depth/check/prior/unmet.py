"""What a program needs of a scene and does not find, as a check tells it."""

from m3depth.check.finding import Finding, Severity
from m3depth.priors.layouts.needs import Unmet


def finding(unmet: Unmet) -> Finding:
    """An error where the program cannot read the scene, else a warning."""
    severity = Severity.ERROR if unmet.stops else Severity.WARNING
    return Finding(unmet.code, severity, unmet.said, unmet.mend, unmet.evidence, unmet.frames)
