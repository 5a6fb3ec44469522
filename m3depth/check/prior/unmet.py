"""What a program needs of a scene and does not find: the needs that `export` tells, too."""

from collections.abc import Iterator

from m3depth.check.finding import Finding, Severity
from m3depth.priors.layouts import needs
from m3depth.priors.layouts.scene import PriorScene
from m3depth.priors.sound import Fault


def only_size(scene: PriorScene) -> Iterator[Finding]:
    """Images of another size than the one that is written into the reader's code."""
    for frame in scene.frames[:1]:
        height, width = frame.image.shape
        yield from map(finding, needs.wrong_size(scene.habits, (height, width)))


def untracked(scene: PriorScene) -> Iterator[Finding]:
    """Images of a model in which no point is seen, for a reader that asks which are."""
    return map(finding, needs.untracked(scene.habits, scene.untracked, scene.count))


def path_words(scene: PriorScene) -> Iterator[Finding]:
    """Words in the scene's path that the reader acts on."""
    return map(finding, needs.path_words(scene.habits, scene.folder))


def still_camera(scene: PriorScene) -> Iterator[Finding]:
    """A camera that stands still, for a reader that divides by how far it moves."""
    if scene.poses_mm is not None:
        yield from map(finding, needs.still_camera(scene.habits, scene.poses_mm))


def outside_ndc(scene: PriorScene) -> Iterator[Finding]:
    """Cameras that rays in normalised device coordinates cannot show."""
    if scene.poses_mm is not None:
        yield from map(finding, needs.outside_ndc(scene.habits, scene.poses_mm))


def finding(fault: Fault) -> Finding:
    """An error where the fault is sure, else a warning."""
    severity = Severity.ERROR if fault.sure else Severity.WARNING
    return Finding(fault.code, severity, fault.said, fault.mend, fault.evidence, fault.frames)
