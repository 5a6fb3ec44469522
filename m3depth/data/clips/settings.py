"""Clips by the settings of their frames' reader, looked at once and remembered in a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from m3depth.data.clips.clips import Clips
from m3depth.data.settings_digest import digest, plain_settings
from m3depth.io.array_cache import cache_folder

SURVEY_VERSION = 1  # raise it when the same frames get other neighbours


def clips_of(
    frames: Mapping[str, Any],
    length: int = 3,
    flow_px: Sequence[float] = (2.0, 20.0),
    reach: int = 16,
    at_most: int | None = None,
    workers: int = 0,
) -> Clips:
    """Clips of the frames of any reader.

    All frames are read once to find neighbours, which takes a while; what was found is kept in the
    cache folder and found by the reader's settings and the names, sizes and times of its files.

    In YAML; ``_recursive_: false`` hands over the reader's settings::

        _target_: m3depth.data.clips.settings.clips_of
        _recursive_: false
        frames: {_target_: m3depth.data.readers.hamlyn.HamlynRectified, root: DIR, size: [256, 320]}

    ``frames`` are the reader's settings, ``_target_`` and its arguments; see `Clips.of` for all
    else.

    Raises:
        ConfigError, DataError: The reader's own, or those of `Clips.of`.
    """
    from hydra.utils import instantiate

    settings = plain_settings(frames)
    asked = {"reader": settings, "flow_px": list(flow_px), "reach": reach}
    kept = cache_folder() / f"clips_{digest(asked, SURVEY_VERSION)}.npz"
    return Clips.of(instantiate(settings), length, flow_px, reach, at_most, workers, kept)
