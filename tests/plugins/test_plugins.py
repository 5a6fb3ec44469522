"""A user's own network, system and data set, named by class path in YAML, with no file edited."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import NETWORK, SCENES, m3depth_process

HERE = Path(__file__).parent
OWN = f"--config-dir={HERE / 'conf'}"
STEREO = ("trainer=cpu", "debug=two_steps", *SCENES)
SLOPES = ("system=metric", "network=metric", "data=slopes", "trainer=cpu", "debug=two_steps")


def run(*arguments: object, cwd: Path) -> None:
    told = m3depth_process(*arguments, cwd=cwd)
    assert told.status == 0, told.err


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
    training: tuple[str, ...], data: tuple[str, ...], tmp_path: Path
):
    best = "checkpoint=run/checkpoints/best.ckpt"
    run("train", OWN, *training, "output=run", cwd=tmp_path)
    run("evaluate", OWN, best, *data, "output=scores", cwd=tmp_path)
    assert json.loads((tmp_path / "scores/metrics.json").read_text())["metrics"]["mae_mm"] > 0
    run("export", OWN, best, *data, "writer=npz", "output=scene", cwd=tmp_path)
    with np.load(tmp_path / "scene/priors/000000.npz") as prior:
        assert (prior["depth_mm"] > 0).all()
        assert ("confidence" in prior) == ("system=with_pose" in training)
        image = prior["image"]
    run("predict", best, f"input={_picture(tmp_path, image)}", "output=depth", cwd=tmp_path)
    with np.load(tmp_path / "depth/picture.npz") as prediction:
        assert prediction["depth_mm"].shape == image.shape[:2]


def _picture(folder: Path, image: np.ndarray) -> Path:
    import cv2

    cv2.imwrite(str(folder / "picture.png"), image[:, :, ::-1])
    return folder / "picture.png"
