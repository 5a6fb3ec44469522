"""Level after level: try it, judge it, keep it or what was."""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from m3depth.adaptation.evidence import Witness
from m3depth.adaptation.frames import Frames
from m3depth.adaptation.gate import verdict
from m3depth.adaptation.level import Level, Void
from m3depth.adaptation.model import Model

logger = logging.getLogger(__name__)


class Adapted(NamedTuple):
    """The network that is kept, and how it came about."""

    model: Model
    metric: bool  # whether a level that was kept belongs to the frames' rig
    ledger: list[dict[str, Any]]

    @property
    def helped(self) -> bool:
        """Whether any level was kept."""
        return any(entry["kept"] for entry in self.ledger)


def adapt(
    model: Model, frames: Frames, levels: Mapping[str, Level | None], folder: Path
) -> Adapted:
    """Try the levels in their order, each from what the ones before it left.

    Args:
        model: The network as it was trained.
        frames: To adapt to, and to judge by.
        levels: By name; None is switched off.
        folder: For what an interrupted run goes on from.
    """
    witness = Witness(frames.judge)
    now, metric, ledger = witness(model.network), False, []
    for name, level in levels.items():
        if level is None:
            continue
        begun = time.monotonic()
        entry: dict[str, Any] = {"level": name, "kept": False}
        tried = (
            level(model, frames, folder / name)
            if frames.stereo or not level.stereo
            else Void("there are no right images")
        )
        if isinstance(tried, Void):
            entry["said"] = f"void: {tried.why}"
        else:
            then = witness(tried.model.network)
            helped, said = verdict(now, then)
            entry |= {"kept": helped, "said": said, **tried.about}
            entry |= {"before": now.record(), "after": then.record()}
            if helped:
                model, now, metric = tried.model, then, metric or level.metric
        entry["seconds"] = round(time.monotonic() - begun, 1)
        ledger.append(entry)
        logger.info("%s: %s: %s", name, "kept" if entry["kept"] else "not kept", entry["said"])
    return Adapted(model, metric, ledger)
