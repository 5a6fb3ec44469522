"""Writes a folder of rectified pairs, laid out as ``data=folder`` reads it."""

from pathlib import Path

import cv2
import numpy as np

from m3depth.data.synthetic import SyntheticPairs

SIZE = (32, 48)


def write_pairs(root: Path, count: int = 3, depth: bool = True) -> Path:
    """Built-in scenes as PNG files, with their calibration."""
    pairs = SyntheticPairs("val", count, SIZE)
    for name in ("left", "right", "depth"):
        (root / name).mkdir(parents=True)
    for index in range(count):
        sample = pairs[index]
        for side in ("left", "right"):
            rgb = (sample[side] * 255).round().byte().permute(1, 2, 0).numpy()
            cv2.imwrite(str(root / side / f"{index:03d}.png"), rgb[..., ::-1])
        if depth:
            np.save(root / "depth" / f"{index:03d}.npy", sample["depth_mm"][0].numpy())
    write_rig(root, {name: float(value) for name, value in pairs[0]["rig"]._asdict().items()})
    return root


def write_rig(root: Path, values: dict[str, float], size: tuple[int, int] = SIZE) -> Path:
    path = root / "rig.yaml"
    lines = [f"{key}: {value}" for key, value in values.items()]
    path.write_text("\n".join([*lines, f"width: {size[1]}", f"height: {size[0]}"]) + "\n")
    return path
