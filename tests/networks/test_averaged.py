"""experiments/shift/averaged.py: one network of the mean weights of several."""

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

from m3depth.io.torch_files import write_torch_file
from m3depth.networks.trained import read_checkpoint

SCRIPT = Path(__file__).parents[2] / "experiments/shift/averaged.py"


@pytest.fixture
def averaged() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def checkpoint(path: Path, weight: float, name: str = "weight") -> Path:
    state = {name: torch.full((2,), weight), "batches": torch.tensor(7)}
    about = {"config": {"name": str(weight)}, "size": [4, 4], "rig": None}
    about["scale_deviation"] = {"floor": 0.1}
    write_torch_file(path, {"state_dict": state, "m3depth": about})
    return path


def test_weights_are_averaged_and_what_was_found_for_one_alone_is_left_out(
    tmp_path: Path, averaged: dict[str, Any]
):
    several = [checkpoint(tmp_path / f"{weight}.ckpt", weight) for weight in (1.0, 2.0, 6.0)]
    averaged["main"](tmp_path / "mean.ckpt", several)
    found = read_checkpoint(tmp_path / "mean.ckpt")
    torch.testing.assert_close(found["state_dict"]["weight"], torch.full((2,), 3.0))
    assert found["state_dict"]["batches"] == 7
    assert found["m3depth"]["config"] == {"name": "1.0"}
    assert "scale_deviation" not in found["m3depth"]


def test_other_networks_are_refused(tmp_path: Path, averaged: dict[str, Any]):
    several = [checkpoint(tmp_path / f"{name}.ckpt", 1.0, name) for name in ("weight", "bias")]
    with pytest.raises(SystemExit, match="not of one network"):
        averaged["main"](tmp_path / "mean.ckpt", several)
    assert not (tmp_path / "mean.ckpt").exists()
