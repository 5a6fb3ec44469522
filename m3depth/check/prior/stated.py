"""Metadata that contradict what the reader takes the numbers for."""

from collections.abc import Iterator

from m3depth.check.finding import Finding, Severity
from m3depth.priors.layouts.scene import PriorScene
from m3depth.priors.layouts.stated import contradiction


def stated_kind(scene: PriorScene) -> Iterator[Finding]:
    """Kind, scale and unit of the depth, by our own word."""
    if not scene.kind or not scene.meta:
        return
    against = contradiction(scene.meta, scene.kind)
    if against:
        yield Finding(
            "stated_kind",
            Severity.ERROR,
            f"depth_meta.json {against}",
            "export the scene again, with this target's writer",
        )
    elif "kind" not in scene.meta:
        yield Finding(
            "stated_kind",
            Severity.WARNING,
            f"depth_meta.json does not say what its numbers are; {scene.kind} is read",
            "export the scene again, which says so",
        )
