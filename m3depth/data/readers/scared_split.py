"""A part of a split preset, read from a folder of SCARED or of SCARED-C."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from m3depth.data.readers.scared import Scared
from m3depth.data.splits import frames


def scared_part(
    split: str,
    part: str,
    root: str | Path,
    size: Sequence[int] | None,
    reader: type[Scared] = Scared,
    lists: str | Path | None = None,
    **options: Any,
) -> Scared:
    """What a preset trains on, validates on or tests on.

    Args:
        split: A preset of `m3depth.data.splits`, such as ``clean`` or ``afsfm``.
        part: ``train``, ``val`` or ``test``.
        root: The folder of the data set.
        size: (height, width) of pictures and rig; None keeps the calibration's.
        reader: `Scared`, or another that is made like it.
        lists: Where the user keeps published lists, see `m3depth.data.splits.load_split`; below
            ``root`` when absent.
        options: The reader's other settings, such as ``truth``.

    Raises:
        ConfigError, DataError: The preset's or the reader's.
    """
    chosen = frames(split, part, root if lists is None else lists)
    numbers = {video: said for video, said in chosen.items() if not isinstance(said, str)}
    stills = "still" in chosen.values()  # a part has stills only, or none
    return reader(
        root,
        size,
        sequences=list(chosen),
        frames=numbers or None,
        keyframes_only=stills,
        **options,
    )
