"""Another rig than the trained one is told once, with what it does to depth."""

import pytest
import torch

from m3depth.priors.predictor import DepthPredictor
from m3depth.sources.network import NetworkSource
from m3depth.sources.trained_rig import TrainedRig
from m3depth.types import DepthMap, Kind
from m3depth.types.camera import StereoRig

SIZE = (256, 320)
RIG = StereoRig.of(300.0, 300.0, 159.5, 127.5, 159.5, 4.0)
TRAINED = TrainedRig(RIG, SIZE)


def test_the_same_rig_at_another_size_is_no_other():
    assert TRAINED.difference(RIG.resized(SIZE, (512, 640)), (512, 640)) == ""
    uncalibrated = StereoRig.uncalibrated(320, 256)
    assert TRAINED.difference(uncalibrated, SIZE) == ""
    assert TrainedRig(uncalibrated, SIZE).difference(RIG, SIZE) == ""


def test_a_doubled_baseline_is_told_with_its_factor_and_the_trained_one():
    told = TRAINED.difference(RIG._replace(baseline_mm=RIG.baseline_mm * 2), SIZE)
    assert "baseline 8 mm and f·b 7.5 mm" in told
    assert "2 times what the checkpoint's would give" in told
    assert "baseline_mm: 4," in told


def test_another_focal_length_is_told_and_needs_no_mend():
    told = TRAINED.difference(RIG._replace(fx=RIG.fx / 1.5), SIZE)
    assert "focal length 0.625 of the width" in told
    assert "0.667 times" in told
    assert "baseline_mm" not in told


def test_the_predictor_tells_it_once_wherever_the_rig_is_from(caplog):
    def network(images: torch.Tensor) -> DepthMap:
        flat = torch.full((len(images), 1, *SIZE), 0.05)
        return DepthMap(flat, Kind.FRACTION, error=flat * 0.01)

    other = RIG._replace(baseline_mm=RIG.baseline_mm * 2)
    predictor = DepthPredictor(NetworkSource(network, SIZE, RIG, SIZE, trained=TRAINED))
    image = torch.zeros(3, *SIZE)
    predictor("a", image)
    assert "the checkpoint's" not in caplog.text
    for key in ("b", "c"):
        assert predictor(key, image, other).depth_mm.mean() == pytest.approx(2400 / 16, rel=1e-4)
    assert caplog.text.count("times what the checkpoint's would give") == 1


def test_a_network_whose_depth_needs_no_rig_is_not_told_of_another(caplog):
    def network(images: torch.Tensor) -> DepthMap:
        return DepthMap(torch.full((len(images), 1, *SIZE), 50.0), Kind.DEPTH)

    zoomed = RIG._replace(fx=RIG.fx * 1.3)
    source = NetworkSource(network, SIZE, zoomed, SIZE, trained=TRAINED)
    source([{"left": torch.rand(3, *SIZE), "key": "video/0", "rig": zoomed}])
    assert "times what" not in caplog.text
