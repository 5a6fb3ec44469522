"""``source=adapted``: a trained network, fitted first to the very clip that it gives depth for."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from m3depth.adaptation.frames import Frames, all_of
from m3depth.adaptation.model import Adaptable
from m3depth.check.require_fit import require_fit
from m3depth.cli.adaptation import CHECKPOINT, Adaptation, verdict
from m3depth.cli.trainer import quieten
from m3depth.data.own_size import marks
from m3depth.errors import ConfigError
from m3depth.sources.checkpoint import network_source
from m3depth.sources.network import NetworkSource
from m3depth.validation import require_number

FOLDER = "adaptation"  # in the output

logger = logging.getLogger(__name__)


def adapted_source(
    checkpoint: str | None,
    clip: Mapping[str, Any] | None,
    levels: Mapping[str, Any],
    output: str,
    frames: int = 80,
    check: str = "error",
    overwrite: object = False,
    **how: Any,
) -> NetworkSource:
    """The network of ``checkpoint`` after `m3depth.adaptation.adapt.adapt` to a clip's own pairs.

    ``output/adaptation`` holds the checkpoint, the record and the report of the fit. The same
    command again takes what is there, or goes on with it.

    Args:
        checkpoint: Of ``m3depth train`` or ``m3depth adapt``.
        clip: Configuration of the data set; every frame needs a right image. None is refused.
        levels: Their configurations by name.
        output: Folder of the run.
        frames: At most so many, spread evenly, are fitted to.
        check: What to do about pairs that ``m3depth check`` finds wrong: error, warn or off.
        overwrite: Fit anew.
        how: See `network_source`.

    Raises:
        ConfigError: an option is missing or wrong.
        DataError: the clip's frames cannot be fitted to.
    """
    if not checkpoint:
        raise ConfigError("source=adapted needs checkpoint=PATH of m3depth train")
    if clip is None:
        raise ConfigError(
            "source=adapted: is fitted to the right images of a data set, data=NAME, which this "
            "verb does not take; `m3depth adapt` makes a checkpoint for it"
        )
    require_number("source.frames", frames, 1, whole=True)
    _warn_of_mirrored(levels, how.get("flip"))
    quieten()
    adaptation = Adaptation(
        Path(checkpoint),
        levels,
        partial(_read, clip, frames, check),
        f"the clip's own frames ({clip.get('root', clip.get('_target_', ''))})",
        Path(output) / FOLDER,
        asked={"clip": dict(clip), "frames": frames, "check": check},
        inputs={"clip": clip.get("root")},
        overwrite=overwrite,
    )
    if adaptation.done() and not overwrite:
        logger.info("fitted already: %s", adaptation.output)
    else:
        adapted = adaptation.run()
        if not adapted.helped:
            logger.warning("%s", verdict(adapted))
    return network_source(adaptation.output / CHECKPOINT, **how)


def _read(
    clip: Mapping[str, Any], count: int, check: str, adaptable: Adaptable
) -> tuple[Frames, set[str]]:
    """Of the clip, at the network's size."""
    whole = instantiate(clip)
    frames = all_of(whole, count, adaptable.size)
    if not frames.stereo:
        raise ConfigError(
            "source=adapted: the clip has no right images to be fitted to; `m3depth adapt "
            "input=VIDEO` and source=network do without"
        )
    require_fit(frames.data(), check)
    return frames, set(marks(whole))


def _warn_of_mirrored(levels: Mapping[str, Any], flip: object) -> None:
    steps = levels.get("steps")
    if flip and steps and not steps["augmentation"]["mirror"]:
        logger.warning(
            "flip=true averages with the mirrored image, which this fit does not see: flip=false "
            "is better here, or source.levels.steps.augmentation.mirror=0.5"
        )
