"""That everything which is timed does the work; the timing itself is `m3depth bench export`'s."""

import json
from functools import partial
from pathlib import Path

import pytest

from m3depth.benchmarks import export_rate
from m3depth.networks.monodepth import Monodepth
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.writer import SceneWriter


def test_the_keys_of_the_interface_and_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    finished: list[tuple[int, int]] = []

    class Counted(SceneWriter):
        def finish(self, frames: int) -> list[int]:
            missing = super().finish(frames)
            finished.append((len(missing), len(list(self.folder.glob("priors/*.npz")))))
            return missing

    found = export_rate.measure(
        Monodepth("test_resnet", widths=(16, 16, 8, 8, 8)),
        {"npz": partial(Counted, layout=NpzLayout())},
        checkpoint=None,
        size=(32, 48),
        native=(64, 96),
        frames=5,
        batch_size=2,
        device="cpu",
        repeats=1,
    )
    json.dumps(found)
    assert (found["size"], found["native"], found["batch"]) == ([32, 48], [64, 96], 2)
    assert found["fps"].keys() == {"network", "predictor", "npz"}
    assert min(found["fps"].values()) > 0
    ratio = found["fps"]["npz"] / found["fps"]["network"]
    assert found["ratio"]["npz"] == pytest.approx(ratio, rel=0.05, abs=0.001)
    assert finished == [(0, 5), (0, 5)]  # a round that does not count, and one that does


def test_the_frames_move(tmp_path: Path) -> None:
    export_rate.write_clip(tmp_path / "clip", 4, (32, 48))
    data = export_rate.SingleViews(tmp_path / "clip")
    assert len(data) == 4
    assert data[0]["left"].shape == (3, 32, 48)
    assert not data[0]["left"].equal(data[1]["left"])
