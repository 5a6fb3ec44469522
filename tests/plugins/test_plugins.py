"""A user's own network, system and data set, named by class path in YAML, with no file edited."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from command_line import NETWORK, SCENES, m3depth_process, succeed

HERE = Path(__file__).parent
OWN = f"--config-dir={HERE / 'conf'}"
STEREO = ("trainer=cpu", "debug=two_steps", *SCENES)
SLOPES = ("system=metric", "network=slopes_metric", "data=slopes", "trainer=cpu", "debug=two_steps")


@pytest.mark.parametrize(
    ("training", "data"),
    [
        pytest.param(("network=one_view", *STEREO), SCENES, id="a network of one view"),
        pytest.param(
            SLOPES,
            ("data=slopes", "data.size=[32,48]"),
            id="a supervised system on a camera without a baseline",
        ),
        pytest.param(
            ("system=with_pose", *NETWORK, *STEREO), SCENES, id="a system with a second network"
        ),
    ],
)
def test_it_trains_loads_evaluates_predicts_and_exports(
    training: tuple[str, ...],
    data: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    best = "checkpoint=run/checkpoints/best.ckpt"
    succeed("train", OWN, *training, "output=run")
    succeed("evaluate", OWN, best, *data, "output=scores")
    assert json.loads((tmp_path / "scores/metrics.json").read_text())["metrics"]["mae_mm"] > 0
    succeed("export", OWN, best, *data, "writer=npz", "output=scene")
    with np.load(tmp_path / "scene/priors/000000.npz") as prior:
        assert (prior["depth_mm"] > 0).all()
        assert ("confidence" in prior) == ("system=with_pose" in training)
        image = prior["image"]
    succeed("predict", best, f"input={_picture(tmp_path, image)}", "output=depth")
    with np.load(tmp_path / "depth/picture.npz") as prediction:
        assert prediction["depth_mm"].shape == image.shape[:2]


def test_a_checkpoint_needs_nothing_but_the_python_path(tmp_path: Path):
    """In a process that has the user's modules on it, and nothing that a test has imported."""
    succeed("train", OWN, "network=one_view", *STEREO, f"output={tmp_path}/run")
    picture = _picture(tmp_path, np.full((32, 48, 3), 128, np.uint8))
    given = ("checkpoint=run/checkpoints/best.ckpt", f"input={picture}", "output=depth")
    told = m3depth_process("predict", *given, cwd=tmp_path)
    assert told.status == 0, told.err
    assert (tmp_path / "depth/picture.npz").is_file()


def _picture(folder: Path, image: np.ndarray) -> Path:
    cv2.imwrite(str(folder / "picture.png"), image[:, :, ::-1])
    return folder / "picture.png"
