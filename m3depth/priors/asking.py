"""What a predictor is called with: one image or several, a rig in any form, names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from m3depth.errors import ConfigError
from m3depth.geometry.plausible import Doubt, require_plausible
from m3depth.io.python_images import Held, as_image
from m3depth.io.rig_file import RigFile, read_rig, rig_of
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig

Rig = str | Path | Mapping[str, Any] | RigFile | StereoRig


def asked(
    *given: Any, image: Any = None, rig: object = None, key: str | Sequence[str] | None = None
) -> tuple[list[StereoBatch], bool]:
    """The images of a call ``(image, rig)`` or, as it was at first, ``(key, image, rig)``.

    Returns:
        A sample of each image, with a rig where one is given, and whether several were given: a
        list, a tuple or a batch of 4 dimensions.

    Raises:
        DataError: something that is no image (see `as_image`), or a rig for another shape.
        ConfigError: there are not as many keys as images.
    """
    if len(given) > 1 and isinstance(given[0], str) and not _is_rig(given[1]):
        key, given = given[0], given[1:]
    if len(given) > 2:
        raise TypeError("a predictor takes (image, rig), or (key, image, rig)")
    image = given[0] if given else image
    rig = given[1] if len(given) > 1 else rig
    several = isinstance(image, list | tuple) or getattr(image, "ndim", 0) == 4
    images = list(image) if several else [image]
    names = _names(images, key, several)
    return [_asked(*pair, rig) for pair in zip(names, images, strict=True)], several


def rig_file(rig: object) -> RigFile | None:
    """A rig that says which size it is for.

    Raises:
        DataError: unreadable, incomplete or impossible.
        ConfigError: a `StereoRig`, which does not say it, or what is no rig.
    """
    if rig is None or isinstance(rig, RigFile):
        return rig
    if isinstance(rig, StereoRig):
        raise ConfigError(
            "rig: a StereoRig does not say which image size it is for; pass rig.yaml or a dict "
            "with width and height, or give it with each image"
        )
    if isinstance(rig, str | Path):
        return read_rig(Path(rig))
    if not isinstance(rig, Mapping):
        raise ConfigError(
            f"rig: {type(rig).__name__} is none; pass a rig.yaml's path, a dict of entries or a "
            "StereoRig"
        )
    # an array's or a tensor's numbers, too
    return rig_of({n: v.item() if hasattr(v, "item") else v for n, v in rig.items()}, "rig")


def _asked(key: str, held: Held, rig: object) -> StereoBatch:
    image = as_image(held, key)
    height, width = image.shape[-2:]
    if isinstance(rig, StereoRig):
        rig = StereoRig(*(torch.as_tensor(float(value)) for value in rig))
        require_plausible(rig, (height, width), f"{key}: rig", refused=Doubt.UNLIKELY)
        return {"key": key, "left": image, "rig": rig}
    if isinstance(rig, Mapping):
        rig = {"width": width, "height": height, **rig}
    known = rig_file(rig)
    if known is None:
        return {"key": key, "left": image}
    return {"key": key, "left": image, "rig": known.at((height, width), key)}


def _names(images: Sequence[Held], key: str | Sequence[str] | None, several: bool) -> list[str]:
    if key is None:
        return [
            _name(held, str(place) if several else "image") for place, held in enumerate(images)
        ]
    keys = [key] if isinstance(key, str) else list(key)
    if len(keys) != len(images):
        raise ConfigError(f"key: {len(keys)} for {len(images)} images; give each image one")
    return keys


def _name(held: Held, otherwise: str) -> str:
    path = held if isinstance(held, str | Path) else getattr(held, "filename", "")  # PIL's
    return Path(path).stem if path else otherwise


def _is_rig(given: object) -> bool:
    return given is None or isinstance(given, str | Path | Mapping | RigFile | StereoRig)
