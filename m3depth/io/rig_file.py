"""`rig.yaml`: the calibration of a rectified pair of cameras, or of one camera."""

import math
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import yaml

from m3depth.errors import DataError
from m3depth.geometry.plausible import Doubt, require_plausible
from m3depth.types.camera import StereoRig, same_shape

REQUIRED = ("fx", "fy", "cx", "cy", "width", "height")
OPTIONAL = ("baseline_mm", "cx_right", "unusual")


class RigFile(NamedTuple):
    """A rig and the (height, width) in pixels that it was calibrated at."""

    rig: StereoRig
    size: tuple[int, int]

    def check_size(self, size: tuple[int, int], where: str) -> None:
        """Refuse (`DataError`) an image of another size: with a wrong K millimetres are wrong."""
        if size != self.size:
            raise DataError(
                f"{where}: the image is {size[1]}x{size[0]} but rig.yaml is for "
                f"{self.size[1]}x{self.size[0]} (K of the wrong resolution); give both at one size"
            )

    def at(self, size: tuple[int, int], where: str) -> StereoRig:
        """The rig scaled to an image's (height, width); a `DataError` where its shape differs."""
        if not same_shape(size, self.size):
            raise DataError(
                f"{where}: the image is {size[1]}x{size[0]} but rig.yaml is for "
                f"{self.size[1]}x{self.size[0]}: not the same shape, so one of them was cropped; "
                "give the rig of these images"
            )
        return self.rig.resized(self.size, size)


def read_rig(path: Path) -> RigFile:
    """Read ``fx fy cx cy [cx_right] [baseline_mm] width height`` (pixels, millimetres).

    Without ``baseline_mm`` it is a single camera (`StereoRig.monocular`), without ``cx_right`` both
    cameras have the same principal point. ``unusual: true`` says that numbers which hardly any
    camera has are meant (see `require_plausible`).

    Raises:
        DataError: unreadable, a key missing, twice, unknown or not a number, or a value that no
            rig has.
    """
    return rig_of(_load(path), path)


def rig_of(given: Mapping[str, object], path: Path | str) -> RigFile:
    """The same from its entries; ``path`` is where they are from, for the messages."""
    said = dict(given)
    unusual = said.pop("unusual", False)
    if not isinstance(unusual, bool):
        raise DataError(f"{path}: unusual is {unusual!r}; true or false is expected")
    entries = _numbers(said, path)
    for key in ("fx", "fy", "width", "height"):
        if entries[key] <= 0:
            raise DataError(f"{path}: {key} is {entries[key]:g}; it must be positive, in pixels")
    if "cx_right" in entries and "baseline_mm" not in entries:
        raise DataError(f"{path}: cx_right is of a second camera: add baseline_mm, or remove it")
    baseline_mm = entries.setdefault("baseline_mm", 0.0)
    if "baseline_mm" in said and baseline_mm <= 0:
        raise DataError(
            f"{path}: baseline_mm is {baseline_mm:g}; it must be positive, in millimetres, with "
            "the right camera to the right of the left; remove the line for a single camera"
        )
    height, width = (_whole(entries.pop(key), key, path) for key in ("height", "width"))
    rig = StereoRig.of(**({"cx_right": entries["cx"]} | entries))
    refused = Doubt.IMPOSSIBLE if unusual else Doubt.ODD
    hint = "" if unusual else ", or add `unusual: true` where this is meant"
    require_plausible(rig, (height, width), str(path), refused=refused, hint=hint)
    return RigFile(rig, (height, width))


def _load(path: Path) -> Mapping[str, object]:
    try:
        text = path.read_text(encoding="utf-8")
        entries, tree = yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: not YAML ({reason})") from None
    if not isinstance(entries, dict):
        raise DataError(f"{path}: expected lines of 'key: number' with {', '.join(REQUIRED)}")
    counts = Counter(str(key.value) for key, _ in tree.value)  # type: ignore[union-attr]
    twice = [key for key, count in counts.items() if count > 1]
    if twice:  # YAML would take the last one
        raise DataError(f"{path}: {', '.join(twice)} is there twice; keep the right one")
    return entries


def _numbers(entries: Mapping[str, object], path: Path | str) -> dict[str, float]:
    missing = [key for key in REQUIRED if key not in entries]
    unknown = [str(key) for key in entries if key not in REQUIRED + OPTIONAL]
    if missing:
        raise DataError(f"{path}: missing {', '.join(missing)}")
    if unknown:
        known = ", ".join(REQUIRED + OPTIONAL)
        raise DataError(f"{path}: unknown {', '.join(unknown)}; known are {known}")
    return {key: _number(value, key, path) for key, value in entries.items()}


def _number(value: object, key: str, path: Path | str) -> float:
    """A finite number; YAML takes 4.525e2 and what is in quotes for text."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with suppress(ValueError):
            if math.isfinite(number := float(value)):
                return number
    raise DataError(f"{path}: {key} is {value!r}; a finite number is expected")


def _whole(value: float, key: str, path: Path | str) -> int:
    if value != int(value):
        raise DataError(f"{path}: {key} is {value:g}; a whole number of pixels is expected")
    return int(value)
