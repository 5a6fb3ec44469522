"""A folder of rectified pairs, written from samples."""

from collections.abc import Iterable
from pathlib import Path

import yaml
from PIL import Image

from m3depth.geometry.resizing import size_of
from m3depth.imaging.bytes import to_picture
from m3depth.types import StereoBatch


def write_pairs(root: Path, frames: Iterable[StereoBatch], named: str = "") -> None:
    """``left/``, ``right/`` and ``rig.yaml``; files are ``named`` and numbered."""
    for index, frame in enumerate(frames):
        for side in ("left", "right"):
            path = root / side / f"{named}{index:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(to_picture(frame[side])).save(path)
        height, width = size_of(frame["left"])
        rig = {name: float(value) for name, value in frame["rig"]._asdict().items()}
        rig |= {"width": width, "height": height}
        (root / "rig.yaml").write_text(yaml.safe_dump(rig))
