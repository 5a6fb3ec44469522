"""Ways in which pairs are spoiled, each with the code that must find it."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.types import StereoBatch

Breakage = Callable[[StereoBatch], StereoBatch]


@dataclass
class Changed(Dataset[StereoBatch]):
    """A data set with something done to its samples, all or only ``only``."""

    pairs: Dataset[StereoBatch]
    change: Breakage
    only: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> StereoBatch:
        sample = self.pairs[index]
        spoiled = self.only is None or index in self.only
        return self.change(dict(sample)) if spoiled else sample


def swapped(sample: StereoBatch) -> StereoBatch:
    return sample | {"left": sample["right"], "right": sample["left"]}


def lowered(sample: StereoBatch, rows: int = 2) -> StereoBatch:
    """The right view, moved down by whole rows; the uppermost row is repeated."""
    right = sample["right"]
    return sample | {"right": torch.cat([right[:, :1].repeat(1, rows, 1), right[:, :-rows]], 1)}


def turned(sample: StereoBatch, degrees: float = 1.0) -> StereoBatch:
    """The right view, turned about its middle."""
    pixels = sample["right"].permute(1, 2, 0).numpy()
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return sample | {"right": planes(cv2.warpAffine(pixels, turn, (width, height), **SMOOTH))}


def stacked(sample: StereoBatch) -> StereoBatch:
    """Both files hold the whole frame of a recorder, left on top."""
    whole = torch.cat([sample["left"], sample["right"]], dim=1)
    return without_truth(sample) | {"left": whole, "right": whole}


def beside(sample: StereoBatch) -> StereoBatch:
    """Both files hold both views side by side, squeezed to the width of one."""
    whole = torch.cat([sample["left"], sample["right"]], dim=2)
    size = tuple(sample["left"].shape[-2:])
    small = torch.nn.functional.interpolate(whole[None], size, mode="bilinear", antialias=True)[0]
    return sample | {"left": small, "right": small}


def unit(sample: StereoBatch, factor: float = 0.1) -> StereoBatch:
    """The baseline in another unit."""
    rig = sample["rig"]
    return sample | {"rig": rig._replace(baseline_mm=rig.baseline_mm * factor)}


def without_offset(sample: StereoBatch) -> StereoBatch:
    """Both principal points are taken to be alike."""
    return sample | {"rig": sample["rig"]._replace(cx_right=sample["rig"].cx)}


def cropped_apart(sample: StereoBatch, of_width: float = 0.08) -> StereoBatch:
    """The right view was cropped by other columns than the left one, and nobody says so."""
    right = sample["right"]
    columns = round(of_width * right.shape[-1])
    moved = torch.cat([right[..., columns:], right[..., -1:].expand(*right.shape[:2], columns)], 2)
    return sample | {"right": moved}


def too_near(sample: StereoBatch, of_width: float = 0.3) -> StereoBatch:
    """Everything moves left in the right view, rig and all: disparity beyond the network's."""
    columns = round(of_width * sample["right"].shape[-1])
    rig = sample["rig"]
    changed = cropped_apart(sample, of_width)
    return changed | {"rig": rig._replace(cx_right=rig.cx_right - columns)}


def truth_moved(sample: StereoBatch, x: int = 8, y: int = 8) -> StereoBatch:
    """The depth map sits beside its place; what comes in at the edge is unknown."""
    depth = torch.roll(sample["depth_mm"], (y, x), (-2, -1))
    depth[..., :y, :] = 0
    depth[..., :x] = 0
    return sample | {"depth_mm": depth}


def truth_8bit(sample: StereoBatch) -> StereoBatch:
    """Depth went through a picture of 8 bits, its whole range over 256 levels."""
    depth = sample["depth_mm"]
    top = float(depth.max())
    return sample | {"depth_mm": (depth / top * 255).round() / 255 * top}


def truth_in_bytes(sample: StereoBatch) -> StereoBatch:
    """Depth in whole millimetres, at most 255."""
    return sample | {"depth_mm": sample["depth_mm"].round().clamp(max=255)}


def distorted(sample: StereoBatch, k1: float = -0.25) -> StereoBatch:
    """Both views with a lens's distortion left in."""
    return without_truth(sample) | {
        side: _distorted(sample[side], sample["rig"], k1) for side in ("left", "right")
    }


def darker(sample: StereoBatch, gain: float = 0.7) -> StereoBatch:
    return sample | {"right": sample["right"] * gain}


def redder(sample: StereoBatch) -> StereoBatch:
    return sample | {"right": sample["right"] * torch.tensor([1.0, 0.75, 0.75])[:, None, None]}


def same_view(sample: StereoBatch) -> StereoBatch:
    return without_truth(sample) | {"right": sample["left"].clone()}


def uncalibrated(sample: StereoBatch) -> StereoBatch:
    height, width = sample["left"].shape[-2:]
    rig = type(sample["rig"]).uncalibrated(width, height)
    return without_truth(sample) | {"rig": rig}


def without_truth(sample: StereoBatch) -> StereoBatch:
    return {key: value for key, value in sample.items() if key not in ("depth_mm", "mask")}


SMOOTH = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}


def planes(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _distorted(image: Tensor, rig: object, k1: float) -> Tensor:
    pixels = image.permute(1, 2, 0).numpy()
    height, width = pixels.shape[:2]
    k = np.array([[rig.fx, 0, (width - 1) / 2], [0, rig.fy, (height - 1) / 2], [0, 0, 1]], float)
    points = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 1, 2)
    straight = cv2.undistortPoints(points.astype(float), k, np.array([k1, 0, 0, 0.0]), P=k)
    at = straight.reshape(height, width, 2).astype(np.float32)
    return planes(cv2.remap(pixels, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=1))


CODES: dict[str, tuple[Breakage, str]] = {
    "swapped": (swapped, "swapped_views"),
    "lowered": (lowered, "vertical_offset"),
    "turned": (turned, "view_rotation"),
    "stacked": (stacked, "stacked_frames"),
    "beside": (beside, "stacked_frames"),
    "unit": (unit, "baseline_unit"),
    "apart": (cropped_apart, "principal_offset"),
    "near": (too_near, "disparity_range"),
    "truth moved": (truth_moved, "truth_misplaced"),
    "truth 8 bit": (truth_8bit, "truth_8bit"),
    "truth in bytes": (truth_in_bytes, "truth_8bit"),
}
