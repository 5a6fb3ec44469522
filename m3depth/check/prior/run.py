"""Read a folder of priors as its pipeline does, run the checks, tell what was found."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from m3depth.check.finding import Finding
from m3depth.errors import DataError
from m3depth.priors.layouts.scene import PriorScene, Target
from m3depth.priors.records import require_whole

PriorCheck = Callable[[PriorScene], Iterable[Finding]]


def check_prior(
    folder: Path, target: Target, frames: int, checks: Sequence[PriorCheck]
) -> tuple[list[Finding], PriorScene]:
    """All findings, errors first.

    Raises:
        DataError: there is no such folder, or the target's files are not in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; input= is the folder of one exported scene")
    try:
        scene = target(folder, frames)
    except DataError:
        require_whole(folder)  # what is missing may just not be written yet
        raise
    findings = [finding for one in checks for finding in one(scene)]
    return sorted(findings, key=lambda finding: -finding.severity), scene


def told_scene(scene: PriorScene) -> str:
    """How much was looked at."""
    counts = ", ".join(f"{len(files)} in {kind}" for kind, files in scene.files.items())
    points = f"{len(scene.points):,} points" if scene.points is not None else ""
    found = "; ".join(part for part in (counts, points) if part)
    return f"{found}; the pixels of {len(scene.sample)} frames looked at"
