"""Frames whose scale is not known surely enough: ``writer.max_scale_deviation``."""

import logging
from collections.abc import Sequence
from pathlib import Path

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.confidence import SCALE_MEANING
from m3depth.priors.prior import DepthPrior
from m3depth.priors.records import Record

NAME = "scale_deviation"  # in a frame's record and in the metadata

logger = logging.getLogger(__name__)


def require_told(prior: DepthPrior, most: float | None, model: str) -> None:
    """Stop where a frame's deviation is asked for, and its source does not say it.

    Raises:
        ConfigError: naming the setting.
    """
    if most is not None and prior.scale_deviation is None:
        raise ConfigError(
            f"writer.max_scale_deviation={most:g}: {model or 'this source'} does not say how "
            "surely it knows a frame's scale: leave the setting out, or export by a checkpoint of "
            "m3depth train that says it"
        )


def deviations(folder: Path, written: Sequence[Record], most: float | None) -> Record:
    """What the metadata say of it, and a line of how many frames are marked invalid.

    Args:
        folder: Of the scene.
        written: The frames' records.
        most: See `SceneWriter`.

    Raises:
        DataError: all frames are invalid.
    """
    told = [record[NAME] for record in written if NAME in record]
    if not told:
        return {}
    above = sum(one > most for one in told) if most is not None else 0
    if most is not None:
        _tell(folder, told, above, most)
    return {NAME: {"kind": SCALE_MEANING, "excluded_above": most, "frames_excluded": above}}


def _tell(folder: Path, told: Sequence[float], above: int, most: float) -> None:
    said = (
        f"{above} of {len(told)} frames are marked invalid: their scale deviates by more than "
        f"writer.max_scale_deviation={most:g}, {min(told):.3g} to {max(told):.3g}"
    )
    if above == len(told):
        raise DataError(f"{folder}: {said}; raise it, or adapt the checkpoint to these images")
    logger.info("%s", said)
