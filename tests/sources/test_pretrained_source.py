"""Pretrained models behind the verbs, without a training."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from command_line import m3depth, succeed

from m3depth.networks.configuration import built
from m3depth.sources.pretrained import pretrained_source

OWN = f"--config-dir={Path(__file__).parents[1] / 'networks/foundation/conf'}"
TINY = (OWN, "source=pretrained", "network@source.network=tiny_metric", "source.size=[32,48]")
RELATIVE = (
    "source.network.kind=inverse_depth",
    "source.network.scale=up_to_scale_and_shift",
    "source.network.unit_mm=1",
)
SCENES = ("data=synthetic", "data.test.count=2", "data.size=[32,48]")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    colours = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "pictures/a.png"), colours)
    return tmp_path / "pictures"


@pytest.mark.parametrize(
    ("options", "name"), [((), "depth_mm"), (RELATIVE, "inverse_depth")], ids=["metric", "relative"]
)
def test_predict_writes_the_depth_that_the_model_gives(
    options: tuple[str, ...], name: str, pictures: Path, tmp_path: Path
):
    told = succeed("predict", *TINY, *options, f"input={pictures}", f"output={tmp_path / 'depth'}")
    assert "random weights" in told.err
    with np.load(tmp_path / "depth/a.npz") as found:
        assert found[name].shape == (40, 60)
        assert ("depth_mm" in found) == (not options)


def test_evaluate_aligns_a_relative_model_and_says_what_it_scored(tmp_path: Path):
    succeed(
        *("evaluate", *TINY, *RELATIVE, *SCENES, "protocol=scale_shift"),
        f"output={tmp_path / 'scores'}",
    )
    told = (tmp_path / "scores/metrics.json").read_text()
    assert "Depth-Anything-V2-Metric-Indoor-Small-hf with random weights" in told


def test_a_metric_model_is_exported(tmp_path: Path):
    succeed("export", *TINY, *SCENES, "writer=npz", f"output={tmp_path / 'scene'}")
    with np.load(tmp_path / "scene/priors/000000.npz") as prior:
        assert (prior["depth_mm"] > 0).all()


CHECKED = (*SCENES, "data.train.count=2", "data.val.count=2")


@pytest.mark.parametrize("options", [(), ("source.size=null", "source.shorter_side=32")])
def test_check_looks_at_a_metric_model_s_depth(options: tuple[str, ...], tmp_path: Path):
    own = m3depth("check", *CHECKED)
    told = m3depth("check", *TINY, *CHECKED, *options, f"output={tmp_path / 'checked'}")
    assert told.status in (0, 1)
    assert (tmp_path / "checked/check.json").is_file()
    assert "ground truth is off" in own.out
    assert told.out.partition("principal_offset")[2] != own.out.partition("principal_offset")[2]


def test_check_refuses_a_relative_model(tmp_path: Path):
    told = m3depth("check", *TINY, *RELATIVE, *CHECKED, f"output={tmp_path / 'checked'}")
    assert told.status == 2
    assert "gives depth up to scale and shift, and here millimetres are needed" in told.err


def test_no_network_and_no_weights_is_one_line(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    told = m3depth("predict", "source=pretrained", f"input={pictures}", f"output={tmp_path / 'd'}")
    assert told.status == 1
    assert "Depth-Anything-V2-Small-hf/resolve/main/model.safetensors" in told.line


def test_a_network_of_one_s_own_needs_no_hub():
    options = {
        "_target_": "m3depth.networks.monodepth.Monodepth",
        "encoder": "test_resnet",
        "widths": [16, 16, 8, 8, 8],
    }
    source = pretrained_source(options, [32, 48], device="cpu")
    assert source.model == "m3depth.networks.monodepth.Monodepth"
    assert source.size == (32, 48)
    assert isinstance(built(options), type(source.network.network))
