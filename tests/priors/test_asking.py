"""Calls of a predictor: one image or several, a rig in any form, names."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import m3depth
from m3depth.errors import ConfigError, DataError
from m3depth.io.rig_file import RigFile
from m3depth.priors.asking import rig_file
from m3depth.priors.predictor import DepthPredictor
from m3depth.priors.prior import DepthPrior
from m3depth.sources.network import NetworkSource
from m3depth.types import DepthMap, Kind
from m3depth.types.camera import StereoRig

RIG = StereoRig.of(60.0, 60.0, 31.0, 24.0, 29.0, 4.5)
ENTRIES = {**{n: float(v) for n, v in RIG._asdict().items()}, "width": 64, "height": 48}
IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def network(images: torch.Tensor) -> DepthMap:
    """As bright as the image, so that frames differ."""
    left = 0.05 + 0.1 * images.mean(1, keepdim=True)
    return DepthMap(left, Kind.FRACTION, error=torch.full_like(left, 0.01))


@pytest.fixture
def predict() -> DepthPredictor:
    return DepthPredictor(NetworkSource(network, (24, 32), RIG, (48, 64)))


def same(one: DepthPrior, other: DepthPrior) -> bool:
    return torch.allclose(one.depth_mm, other.depth_mm, rtol=1e-5) and one.rig == other.rig


def test_the_readme_s_call(predict: DepthPredictor):
    tensor = torch.from_numpy(IMAGE).permute(2, 0, 1) / 255
    first = predict("frame", tensor)
    assert first.key == "frame"
    for prior in (
        predict(tensor, key="frame"),
        predict(key="frame", image=tensor),
        predict("frame", tensor, RIG),
        predict("frame", IMAGE, rig=ENTRIES),
        predict("frame", Image.fromarray(IMAGE)),
    ):
        assert prior.key == "frame"
        assert same(prior, first)


def test_one_image_gives_one_and_a_list_a_list(predict: DepthPredictor):
    dark = IMAGE // 2
    one = predict(IMAGE)
    assert one.key == "image"
    for several in ([IMAGE, dark], (IMAGE, dark), np.stack([IMAGE, dark])):
        found = predict(several)
        assert [prior.key for prior in found] == ["0", "1"]
        assert same(found[0], one)
        assert same(found[1], predict(dark))
    assert predict([]) == []
    assert [p.key for p in predict([IMAGE, dark], key=["a", "b"])] == ["a", "b"]
    with pytest.raises(ConfigError, match="key: 1 for 2 images"):
        predict([IMAGE, dark], key="a")


def test_files_are_called_by_their_names(predict: DepthPredictor, tmp_path: Path):
    path = tmp_path / "f 01.v2.png"
    cv2.imwrite(str(path), IMAGE[..., ::-1])
    for held in (path, str(path), Image.open(path)):
        prior = predict(held)
        assert prior.key == "f 01.v2"
        assert same(prior, predict(IMAGE))
    assert predict(str(path), key="mine").key == "mine"


def test_a_rig_in_every_form(predict: DepthPredictor, tmp_path: Path):
    other = {**ENTRIES, "baseline_mm": 9.0}
    path = tmp_path / "rig.yaml"
    path.write_text(yaml.safe_dump(other))
    own = RIG._replace(baseline_mm=torch.tensor(9.0))
    expected = predict(IMAGE, own)
    assert torch.allclose(expected.depth_mm, 2 * predict(IMAGE).depth_mm)
    without_size = {n: v for n, v in other.items() if n not in ("width", "height")}
    of_arrays = {n: np.float32(v) for n, v in other.items()}
    for rig in (path, str(path), other, without_size, of_arrays, RigFile(own, (48, 64))):
        assert same(predict(IMAGE, rig), expected)
    half = {**{n: v / 2 for n, v in other.items() if n not in ("cx", "cy", "cx_right")}}
    half |= {n: (other[n] + 0.5) / 2 - 0.5 for n in ("cx", "cy", "cx_right")}
    half |= {"baseline_mm": 9.0, "width": 32, "height": 24}
    assert torch.allclose(predict(IMAGE, half).depth_mm, expected.depth_mm, rtol=1e-5)


@pytest.mark.parametrize(
    ("rig", "said"),
    [
        ({"fx": 60}, "rig: missing fy"),
        ({**ENTRIES, "fx": -1}, "rig: fx is -1"),
        ({**ENTRIES, "K": 3}, "rig: unknown K"),
        ({**ENTRIES, "width": 48}, "image: the image is 64x48 but rig.yaml is for 48x48"),
        ("none.yaml", "none.yaml: cannot be read"),
    ],
)
def test_what_is_no_rig_is_told(predict: DepthPredictor, rig: object, said: str):
    with pytest.raises(DataError, match=said):
        predict(IMAGE, rig)


def test_a_rig_that_no_camera_has_and_what_is_none(predict: DepthPredictor):
    with pytest.raises(DataError, match=r"image: rig: the baseline is 0\.0045 mm"):
        predict(IMAGE, RIG._replace(baseline_mm=torch.tensor(0.0045)))
    with pytest.raises(ConfigError, match="rig: int is none; pass"):
        predict(IMAGE, 5)


def test_a_rig_without_a_size_cannot_be_that_of_all_images():
    with pytest.raises(ConfigError, match="does not say which image size"):
        rig_file(RIG)
    assert rig_file(ENTRIES).size == (48, 64)


def test_which_image_of_a_list_is_none(predict: DepthPredictor):
    with pytest.raises(DataError, match="1: floats from"):
        predict([IMAGE, IMAGE.astype(float)])


def test_the_package_says_what_it_takes():
    assert "BGR" in m3depth.__doc__
