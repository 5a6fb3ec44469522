"""What a check reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from m3depth.imaging.figures import Picture


class Severity(IntEnum):
    """How bad; an error makes the exit status 1."""

    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a set."""

    code: str  # stable, for scripts: "swapped_views"
    severity: Severity
    said: str  # what is wrong, in one sentence with the number that shows it
    mend: str
    evidence: Mapping[str, float] = field(default_factory=dict)  # units in the names
    frames: tuple[str, ...] = ()  # keys, the worst first
    picture: Picture | None = None  # of the worst frame
    told: str = ""  # what the picture shows
