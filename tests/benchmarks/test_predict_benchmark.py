"""That everything which is timed does the work; the timing itself is `m3depth bench predict`'s."""

import json
from pathlib import Path

import pytest

from m3depth.benchmarks import predict_rate

NETWORK = {
    "_target_": "m3depth.networks.monodepth.Monodepth",
    "encoder": "test_resnet",
    "widths": [16, 16, 8, 8, 8],
}


def test_both_rates_and_all_files_of_every_round(monkeypatch: pytest.MonkeyPatch):
    left: list[tuple[int, int]] = []
    draw = predict_rate.draw

    def counted(frames: object, names: object, folder: Path, *more: object) -> None:
        draw(frames, names, folder, *more)
        left.append((len(list(folder.glob("0*.npz"))), len(list(folder.glob("0*.png")))))

    monkeypatch.setattr(predict_rate, "draw", counted)
    found = predict_rate.measure(NETWORK, size=(32, 48), frames=5, device="cpu", repeats=1)
    json.dumps(found)
    assert (found["size"], found["frames"]) == ([32, 48], 5)
    assert found["fps"].keys() == {"network", "predict"}
    ratio = found["fps"]["predict"] / found["fps"]["network"]
    assert found["ratio"]["predict"] == pytest.approx(ratio, rel=0.01, abs=0.001)
    assert left == [(5, 5), (5, 5)]  # a round that does not count, and one that does
