"""An adaptation in a folder of its own: what `adapt` and ``source=adapted`` have in common."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from m3depth.adaptation.adapt import Adapted, adapt
from m3depth.adaptation.calibration import calibrated
from m3depth.adaptation.frames import Frames
from m3depth.adaptation.model import Adaptable
from m3depth.errors import ConfigError
from m3depth.evaluation.provenance import git_commit
from m3depth.io.files import write_json
from m3depth.outputs.output import Output
from m3depth.report.adaptation_page import write_adaptation_report
from m3depth.version import __version__

CHECKPOINT = "checkpoints/best.ckpt"
RECORD = "metrics.json"
FILES = (CHECKPOINT, RECORD, "report.html")
UNFINISHED = "unfinished"  # a folder in the output: what an interrupted run goes on from

Read = Callable[[Adaptable], tuple[Frames, set[str]]]


@dataclass(frozen=True)
class Adaptation:
    """What is adapted, to what, and where it is written.

    Args:
        checkpoint: Of ``m3depth train`` or ``m3depth adapt``.
        levels: Their configurations by name, see `m3depth.adaptation.adapt.adapt`.
        read: Reads the frames, and the marks of their files.
        to: What they are, for records.
        output: The folder.
        asked: All settings that the result depends on, beside the checkpoint and the levels.
        inputs: What is read, see `Output`.
        overwrite: See `Output`.
    """

    checkpoint: Path
    levels: Mapping[str, Any]
    read: Read
    to: str
    output: Path
    asked: Mapping[str, Any]
    inputs: Mapping[str, object] = field(default_factory=dict)
    overwrite: object = False

    def run(self) -> Adapted:
        """Adapt, and write checkpoint, record and report; an interrupted run goes on.

        Raises:
            UserError: the checkpoint, the frames or the folder cannot be used.
        """
        adaptable = Adaptable.read(self.checkpoint)
        state, settings = self.output / UNFINISHED, self.settings()
        told = state / "settings"
        goes_on = told.is_file() and told.read_text() == settings
        output = Output(
            self.output,
            "adapt",
            inputs=self.inputs,
            needs={"checkpoint": str(self.checkpoint)},
            overwrite=self.overwrite and not goes_on,
            goes_on=goes_on,
            when_stopped=f"; the same command with output={self.output} goes on where it was",
            names=FILES,
        )
        with output.claimed() as claim:
            frames, seen = self.read(adaptable)
            claim.replace()  # now: the first file to be written would take the settings with it
            claim.adopt([f"{UNFINISHED}/settings"])
            state.mkdir(parents=True, exist_ok=True)
            told.write_text(settings)
            begun = time.monotonic()
            levels = instantiate(self.levels, _convert_="all")
            adapted = adapt(adaptable.model, frames, levels, state)
            self._write(adaptable, adapted, frames, seen, time.monotonic() - begun)
            shutil.rmtree(state)
        return adapted

    def done(self) -> bool:
        """Whether the folder holds just this adaptation, complete."""
        record = self.output / RECORD
        if not (record.is_file() and (self.output / CHECKPOINT).is_file()):
            return False
        return bool(json.loads(record.read_text()).get("settings") == self.settings())

    def settings(self) -> str:
        """A mark of everything that the result depends on."""
        if not self.checkpoint.is_file():
            raise ConfigError(f"checkpoint={self.checkpoint}: no such file")
        learned = hashlib.sha256(self.checkpoint.read_bytes()).hexdigest()
        known = {"checkpoint": learned, "levels": dict(self.levels), "asked": dict(self.asked)}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

    def _write(
        self,
        adaptable: Adaptable,
        adapted: Adapted,
        frames: Frames,
        seen: set[str],
        seconds: float,
    ) -> None:
        rig = frames.adapt[0].get("rig") if adapted.metric else None
        told = calibrated(adapted.model.network, frames.judge) if adapted.helped else None
        adaptable.write(self.output / CHECKPOINT, adapted.model, rig, adapted.ledger, seen, told)
        record = {
            "checkpoint": str(self.checkpoint),
            "adapted_to": self.to,
            "frames": frames.counts(),
            "helped": adapted.helped,
            "levels": adapted.ledger,
            "seconds": round(seconds, 1),
            "settings": self.settings(),
            "version": __version__,
            **git_commit(),
        }
        page = self.output / "report.html"
        write_adaptation_report(page, record, adaptable.model, adapted.model, frames)
        write_json(self.output / RECORD, record)  # last: it says that all is there


def verdict(adapted: Adapted) -> str:
    """A line for each level, and one for all."""
    lines = [
        f"{entry['level']:<12}{'kept' if entry['kept'] else 'not kept':<10}{entry['said']}"
        for entry in adapted.ledger
    ]
    end = "it helped" if adapted.helped else "nothing helped: the checkpoint is the one it was"
    return "\n".join([*lines, end])
