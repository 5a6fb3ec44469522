"""That everything which is timed does the work; the timing itself is `m3depth bench loader`'s."""

import json

import pytest
import torch

from m3depth.benchmarks import loader
from m3depth.benchmarks.loader import PngPairs, measure
from m3depth.data.readers.scared import Scared


@pytest.fixture(autouse=True)
def _small(monkeypatch) -> None:
    monkeypatch.setattr(loader, "RENDERED", (64, 80))
    monkeypatch.setattr(loader, "RENDERED_FRAMES", 3)
    monkeypatch.setattr(loader, "NATIVE", (128, 160))


def test_the_keys_of_the_interface(tmp_path):
    found = measure((32, 40), frames=6, batch=2, workers=2, run=2, repeats=1)
    json.dumps(found)
    assert found["workers"] == 2
    rates = found["pairs_per_s"]
    assert rates.keys() == {"ours", "in_order", "shuffled", "packed", "pil"}
    assert min(rates.values()) > 0
    assert found["ratio"] == pytest.approx(rates["ours"] / rates["pil"], abs=0.006)


def test_the_video_and_the_png_files_show_the_same_frames(tmp_path):
    loader._write(tmp_path, 6)
    film, dump = Scared(tmp_path, (32, 40), truth=False), PngPairs(tmp_path / "png", (32, 40))
    assert len(film) == len(dump) == 6
    for index in range(6):
        for side in ("left", "right"):
            ours, theirs = film[index][side], dump[index][side]
            assert ours.shape == theirs.shape == (3, 32, 40)
            # Rectified against not: the same picture but for a pixel or two
            assert (ours - theirs).abs().mean() < 0.06
            assert torch.corrcoef(torch.stack([ours.flatten(), theirs.flatten()]))[0, 1] > 0.9
    assert (film[0]["left"] - film[2]["left"]).abs().mean() > 0.003  # it moves
