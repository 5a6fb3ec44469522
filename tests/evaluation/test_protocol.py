from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from m3depth.evaluation.protocol import NEAREST_MM, Protocol, median, none

CONF = Path(__file__).parents[2] / "conf" / "protocol"


def load(name: str) -> Protocol:
    protocol = instantiate(OmegaConf.load(CONF / f"{name}.yaml"))
    assert isinstance(protocol, Protocol)
    return protocol


@pytest.mark.parametrize(
    ("name", "alignment", "counted_mm"),
    [
        ("unscaled", "none", [1e-4, 10, 25, 150, 151, 300, 301]),
        ("m3depth", "none", [25, 150, 151, 300]),
        ("median", "median", [10, 25, 150]),
    ],
)
def test_files(name: str, alignment: str, counted_mm: list[float]) -> None:
    protocol = load(name)
    true_mm = torch.tensor([0, 1e-4, 10, 25, 150, 151, 300, 301])
    assert protocol.name == name
    assert protocol.alignment == alignment
    assert true_mm[protocol.counts(true_mm)].tolist() == pytest.approx(counted_mm)


def test_there_is_no_other_file() -> None:
    assert {path.stem for path in CONF.glob("*.yaml")} == {"unscaled", "m3depth", "median"}


def test_median_is_numpys() -> None:
    predicted, true = torch.tensor([10.0, 20.0]), torch.tensor([30.0, 60.0])
    assert median(predicted, true) == pytest.approx(3.0)


def test_median_makes_a_scaled_prediction_perfect() -> None:
    true_mm = torch.linspace(30, 140, 101)
    assert torch.allclose(load("median").aligned(0.37 * true_mm, true_mm), true_mm)


def test_without_scaling_a_prediction_stays_as_it_is() -> None:
    predicted_mm, true_mm = torch.tensor([400.0, 10.0]), torch.tensor([50.0, 50.0])
    for name in ("unscaled", "m3depth"):
        assert torch.equal(load(name).aligned(predicted_mm, true_mm), predicted_mm)


def test_clips_after_scaling() -> None:
    protocol = Protocol("clipped", 20.0, 100.0, median, clip=True)
    predicted_mm, true_mm = torch.tensor([1.0, 10.0, 90.0]), torch.tensor([30.0, 50.0, 60.0])
    assert protocol.aligned(predicted_mm, true_mm).tolist() == [20.0, 50.0, 100.0]


def test_an_unknown_prediction_is_an_error_of_the_whole_depth() -> None:
    protocol = Protocol("plain", 0.0, float("inf"), none)
    aligned = protocol.aligned(torch.tensor([0.0]), torch.tensor([50.0]))
    assert aligned.tolist() == pytest.approx([NEAREST_MM])
    assert aligned.log().isfinite().all()
