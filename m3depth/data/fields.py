"""The batch as a table of fields: how each one is collated, resized, cropped and mirrored."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn import functional
from torch.utils.data import default_collate

from m3depth.errors import DataError
from m3depth.types import DepthLabel, DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig

Size = tuple[int, int]  # (height, width)


class Box(NamedTuple):
    """A part of the images, in whole pixels."""

    top: int
    left: int
    height: int
    width: int


class Field(NamedTuple):
    """One entry of a batch; its tensors begin with the batch's dimension, a clip's with (b, t).

    Attributes:
        resize: (value, old, new size of the images) to the value beside the new ones.
        crop: (value, box, size of the images) to the value beside that part of them.
        mirror: (value, batch) to the value of the mirrored images, columns from right to left. In
            a batch with right images it becomes that of the other view, see `mirrored`.
        partner: The field that takes its place when the views are swapped: its own name if it
            belongs to both, None if nothing does, so that it is dropped then.
        label: Whether it is ground truth, which only a system that asks for it gets to see.
        made: Sample to the field, where a sample has it not; None if it cannot be made.
    """

    resize: Callable[[Any, Size, Size], Any]
    crop: Callable[[Any, Box, Size], Any]
    mirror: Callable[[Any, StereoBatch], Any]
    partner: str | None = None
    label: bool = False
    made: Callable[[StereoBatch], Any] | None = None


def resized(batch: StereoBatch, size: Size) -> StereoBatch:
    """The batch with its images at ``size``, and all that goes with them."""
    old = _size(batch)
    return _each(batch, lambda name, value: FIELDS[name].resize(value, old, size))


def cropped(batch: StereoBatch, box: Box) -> StereoBatch:
    """The batch of a part of its images."""
    size = _size(batch)
    return _each(batch, lambda name, value: FIELDS[name].crop(value, box, size))


def mirrored(batch: StereoBatch, which: Bool[Tensor, " b"]) -> StereoBatch:
    """The batch with the images of some samples mirrored and, where there are right ones, swapped.

    A mirror alone would make disparity negative; the swap makes it positive again. A field that
    belongs to the left view alone is dropped from a batch that is swapped, samples in ``which`` or
    not.
    """
    found: dict[str, Any] = {}
    for name, value in batch.items():
        source = FIELDS[name].partner if "right" in batch else name
        if source in batch:
            other = FIELDS[name].mirror(cast(Mapping[str, Any], batch)[source], batch)
            found[name] = _where(which, other, value)
    return cast(StereoBatch, found)


def collate(
    samples: Sequence[StereoBatch], needs: Collection[str], labels: bool = False
) -> StereoBatch:
    """Samples to a batch, with the labels in ``needs`` and, if ``labels``, all others.

    A field that only some samples have is left out, and a label that nobody needs, too, where it
    has more than one resolution.

    Raises:
        DataError: a sample lacks what is needed, has a field that is not declared or one of another
            shape; naming it.
    """
    samples = [require(sample, needs) for sample in samples]
    kept = [name for name in samples[0] if labels or name in needs or not FIELDS[name].label]
    shared = [name for name in kept if all(name in sample for sample in samples)]
    clashes = {name: clash for name in shared if (clash := _clash(samples, name))}
    for name, clash in clashes.items():
        if name in needs or not FIELDS[name].label:
            raise DataError(clash)
    kept = [name for name in shared if name not in clashes]
    rows = [{name: cast(Mapping[str, Any], one)[name] for name in kept} for one in samples]
    batch: StereoBatch = default_collate(rows)
    return batch


def require(sample: StereoBatch, needs: Collection[str]) -> StereoBatch:
    """The sample with what a system needs: what it lacks is made from its other fields.

    Raises:
        DataError: it lacks a field, or has one that is not declared.
    """
    unknown = [name for name in sample if name not in FIELDS]
    if unknown:
        raise DataError(
            f"{sample['key']}: the batch field {unknown[0]!r} is not declared: say in "
            "m3depth.data.fields.FIELDS how it is resized, cropped and mirrored"
        )
    lacking = [name for name in needs if name not in sample]
    makers = {name: FIELDS[name].made for name in lacking if name in FIELDS}
    made = {name: make(sample) for name, make in makers.items() if make}
    sample = cast(StereoBatch, {**sample, **{k: v for k, v in made.items() if v is not None}})
    missing = sorted(name for name in needs if name not in sample)
    if missing:
        raise DataError(f"{sample['key']}: {LACKING.get(missing[0], f'no {missing[0]}')}")
    return sample


def _clash(samples: Sequence[StereoBatch], name: str) -> str:
    """That a field is not of one shape in all samples; "" where it is."""
    fields = [cast(Mapping[str, Any], one)[name] for one in samples]
    shapes = [tuple(one.shape) if isinstance(one, Tensor) else () for one in fields]
    for sample, shape in zip(samples, shapes, strict=True):
        if shape != shapes[0]:
            return (
                f"{sample['key']}: {name} is {shape}, and {shapes[0]} in {samples[0]['key']} of "
                "the same batch: read both at one size, or take data.batch_size=1"
            )
    return ""


def _each(batch: StereoBatch, change: Callable[[str, Any], Any]) -> StereoBatch:
    return cast(StereoBatch, {name: change(name, value) for name, value in batch.items()})


def _size(batch: StereoBatch) -> Size:
    return batch["left"].shape[-2], batch["left"].shape[-1]


def _where(which: Bool[Tensor, " b"], one: Any, other: Any) -> Any:
    """By sample; a rig field by field, and what is no tensor as it is."""
    if isinstance(one, tuple):
        return type(one)(*(_where(which, *pair) for pair in zip(one, other, strict=True)))
    if not isinstance(one, Tensor):
        return other
    return torch.where(which.reshape(-1, *[1] * (one.ndim - 1)), one, other)


def _as_it_is(value: Any, *_: object) -> Any:
    return value


def _area(image: Tensor, old: Size, new: Size) -> Tensor:
    small = functional.interpolate(image.flatten(0, -4), new, mode="area")
    return small.reshape(*image.shape[:-2], *new)


def _any(mask: Tensor, old: Size, new: Size) -> Tensor:
    """Marked where any pixel of it was."""
    small = functional.adaptive_max_pool2d(mask.flatten(0, -4).float(), new) > 0
    return small.reshape(*mask.shape[:-2], *new)


def _part(maps: Tensor, box: Box, size: Size) -> Tensor:
    """Of a map of any resolution, as far as the box falls on whole pixels of it."""
    down, across = maps.shape[-2] / size[0], maps.shape[-1] / size[1]
    edges = [box.top * down, box.height * down, box.left * across, box.width * across]
    if any(edge != round(edge) for edge in edges):
        raise DataError(f"crop: {box} is not whole pixels of a map of {tuple(maps.shape[-2:])}")
    top, height, left, width = (round(edge) for edge in edges)
    return maps[..., top : top + height, left : left + width]


def _columns(maps: Tensor, batch: StereoBatch) -> Tensor:
    return maps.flip(-1)


def _views_and_columns(maps: Tensor, batch: StereoBatch) -> Tensor:
    return maps.flip(-3, -1)


def _rig(rig: StereoRig, batch: StereoBatch) -> StereoRig:
    """Of the views that are swapped; of a view alone, which keeps disparity's offset."""
    width = batch["left"].shape[-1]
    if "right" in batch:
        return rig.mirrored(width)
    cx = width - 1 - rig.cx
    return rig._replace(cx=cx, cx_right=cx - rig.principal_offset)


def _pose(camera_to_world: Tensor, batch: StereoBatch) -> Tensor:
    """Of the mirrored world's left camera, which was the right one where there is one."""
    pose = camera_to_world.clone()
    if "right" in batch:
        pose[..., :3, 3] += pose[..., :3, 0] * batch["rig"].baseline_mm[..., None]
    mirror = pose.new_tensor([-1.0, 1, 1, 1])
    return mirror[:, None] * pose * mirror


def _image(partner: str | None) -> Field:
    return Field(_area, _part, _columns, partner)


def _mask(partner: str | None) -> Field:
    return Field(_any, _part, _columns, partner)


def _truth() -> Field:
    """Of the left view, at a resolution of its own, which the images' does not change."""
    return Field(_as_it_is, _part, _columns, None, label=True)


def _label_of_depth(sample: StereoBatch) -> DepthLabel | None:
    if "depth_mm" not in sample:
        return None
    known = sample["depth_mm"] > 0
    if "mask" in sample:
        known = known & sample["mask"]
    depth = DepthMap(sample["depth_mm"][None], Kind.DEPTH, known=known[None])
    return DepthLabel.of(depth).resized(_size(sample)).sample()


def _said(name: str, label: bool = False) -> Field:
    return Field(_as_it_is, _as_it_is, _as_it_is, name, label)


FIELDS: dict[str, Field] = {
    "left": _image("right"),
    "right": _image("left"),
    "rig": Field(
        resize=lambda rig, old, new: rig.resized(old, new),
        crop=lambda rig, box, size: rig.cropped(box.left, box.top),
        mirror=_rig,
        partner="rig",
    ),
    "key": _said("key"),
    "skipped": _said("skipped"),
    "time_s": _said("time_s"),
    "tool": _mask("tool_right"),
    "tool_right": _mask("tool"),
    "ignore": Field(_any, _part, _views_and_columns, "ignore"),
    "camera_to_world": Field(_as_it_is, _as_it_is, _pose, "camera_to_world", label=True),
    "depth_mm": _truth(),
    "depth_label": Field(
        resize=lambda label, old, new: label.resized(new),
        crop=lambda label, box, size: label.changed(lambda maps: _part(maps, box, size)),
        mirror=lambda label, batch: label.changed(lambda maps: maps.flip(-1)),
        label=True,
        made=_label_of_depth,
    ),
    "occluded": _truth(),
    "mask": _truth(),
}

NO_DEPTH = (
    "no depth to learn from; where the set has it, data.train.truth=true data.val.truth=true reads "
    "it; else choose a set that has it, or a system that needs none"
)
LACKING = {
    "right": "a monocular frame, without a right image to learn from; choose stereo pairs "
    "for data.train and data.val, and use this set for m3depth evaluate",
    "depth_mm": NO_DEPTH,
    "depth_label": NO_DEPTH,
}
