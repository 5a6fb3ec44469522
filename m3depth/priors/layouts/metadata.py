"""``depth_meta.json``: what a scene's numbers mean, what was cut off, what its readers lack."""

from collections.abc import Iterator

from m3depth.geometry.confidence import MEANING
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.needs import unmet_by
from m3depth.priors.layouts.written import WrittenScene
from m3depth.priors.recentre import Margins, told_crop
from m3depth.priors.records import Record


def scene_meta(layout: Layout, scene: WrittenScene, settings: Record) -> Record:
    """The metadata, but for counts and checksums."""
    camera, meta = scene.records[0]["camera"], layout.meta()
    near_mm, far_mm = scene.bounds_mm
    return {
        **settings,
        **meta.record(),
        **camera,  # after the settings: its size is the images', an option's may be null
        "K_varies": any(record["camera"] != camera for record in scene.records),
        "near": near_mm / meta.unit_mm,
        "far": far_mm / meta.unit_mm,
        "confidence": {"kind": MEANING, "excluded_below": settings["min_confidence"]},
    }


def unmet_needs(layout: Layout, scene: WrittenScene) -> list[str]:
    """What the layout's readers need and will not find, a line each."""
    poses = layout.read_poses(scene)
    unmet = (one for reader in layout.readers for one in unmet_by(scene, poses, reader))
    return [f"{one.said}; {one.mend}" for one in unmet]


def crops(scene: WrittenScene) -> Iterator[str]:
    """What was cut off every frame: all of a scene have one camera."""
    camera = scene.records[0]["camera"]
    if "cropped_px" not in camera:
        return
    margins, (height, width) = Margins(**camera["cropped_px"]), camera["size"]
    said = told_crop(margins, (height, width))
    whole = [height + margins.top + margins.bottom, width + margins.left + margins.right]
    native = camera.get("resized_from", whole)
    if native != whole:
        resized = f"resized from {native[1]}x{native[0]} to {whole[1]}x{whole[0]}"
        if not said:
            yield f"every frame: {resized}"
            return
        said = f"{resized}; {said}"
    if said:
        why = "so that the principal point is where this layout's readers take it to be"
        yield f"every frame, {why}: {said}"
