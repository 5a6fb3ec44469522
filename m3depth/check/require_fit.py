"""The cheap part of `check`, before a training that would be useless."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.seed import isolate_rng

from m3depth.check.check_set import Check, check
from m3depth.check.finding import Severity
from m3depth.check.measuring.sampler import Sampler
from m3depth.check.pairs.calibration import unlikely_rig
from m3depth.check.pairs.unusable import blank_pictures, empty_masks, unreadable_frames
from m3depth.check.pairs.view_order import same_view, stacked_frames, swapped_views
from m3depth.data.module import StereoData
from m3depth.data.own_size import single_frames
from m3depth.data.synthetic import SyntheticClip, SyntheticClips, SyntheticPairs
from m3depth.data.synthetic.wide import WidePairs
from m3depth.errors import ConfigError, DataError

MODES = ("error", "warn", "off")
BUILT_IN = (SyntheticClip, SyntheticClips, SyntheticPairs, WidePairs)
SAMPLER = Sampler(frames=8, seconds=6, neighbours=0, dense=False)
CHECKS: Sequence[Check] = (
    partial(unreadable_frames, error_share=0.5),  # a run outlives a few of them
    blank_pictures,
    empty_masks,
    stacked_frames,
    same_view,
    swapped_views,
    unlikely_rig,
)

logger = logging.getLogger(__name__)


def mode_of(setting: object) -> str:
    """One of `MODES`; YAML reads ``off`` as false.

    Raises:
        ConfigError: it is not one of them.
    """
    mode = {False: "off", True: "error"}.get(setting) if isinstance(setting, bool) else setting
    if mode not in MODES:
        raise ConfigError(f"check={setting}: choose {', '.join(MODES)}")
    return str(mode)


def require_fit(data: StereoData, setting: object) -> None:
    """Look at a few frames of each split, and stop at what makes a training worthless.

    Built-in scenes are skipped. Where several processes train, only the first one looks; its
    launcher stops the others. No random number is drawn.

    Args:
        data: The splits.
        setting: ``error`` stops, ``warn`` only logs, ``off`` does not look.

    Raises:
        DataError: the first error found, how to mend it and how to train all the same.
    """
    splits = {"test": data.test, "train": data.train, "val": data.val}
    singly = {name: single_frames(pairs) for name, pairs in splits.items()}
    files = {name: pairs for name, pairs in singly.items() if _may_be_wrong(pairs)}
    mode = mode_of(setting)
    if mode == "off" or not files or vars(rank_zero_only).get("rank", 0):
        return
    with isolate_rng():
        findings, _ = check(files, SAMPLER, CHECKS)
    for finding in findings:
        line = f"{finding.code}: {finding.said}; {finding.mend}"
        if finding.severity is Severity.ERROR and mode == "error":
            raise DataError(f"{line}; check=warn trains all the same, m3depth check says more")
        logger.warning(line)


def _may_be_wrong(pairs: Any) -> bool:
    return len(pairs) > 0 and not isinstance(pairs, BUILT_IN)
