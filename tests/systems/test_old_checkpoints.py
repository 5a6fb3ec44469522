"""A checkpoint of version 0.1.0 loads for ever, and gives the depth that it gave."""

import hashlib
import lzma
from pathlib import Path

import numpy as np
import pytest
import torch

from m3depth.networks.monodepth import Monodepth
from m3depth.networks.trained import load_model

OLD = Path(__file__).parent / "version_0_1_0"
KEYS = {  # of the state dict: SHA-256 over the lines "name shape"
    "resnet18": "bda9040987729503c84e9b4a46974b502ede154b55a58d7d3c4a4423b855e059",
    "tf_efficientnet_lite0": "296e94991a6152c8991e67044cbfb13404fa96e4d90a5bbb6e63a01acc84cf7a",
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """What ``m3depth train`` of version 0.1.0 wrote (its weights rounded, to be small here)."""
    path = tmp_path / "last.ckpt"
    path.write_bytes(lzma.decompress((OLD / "last.ckpt.xz").read_bytes()))
    return path


def test_gives_the_depth_that_it_gave(old: Path):
    model = load_model(old)
    ramp = torch.linspace(0, 1, 3 * 32 * 48).reshape(1, 3, 32, 48)
    with torch.inference_mode():
        found = model.network(ramp)[0]
    now = {"left": found.values, "right": found.right.values, "error": found.error}
    for name, expected in np.load(OLD / "last_output.npz").items():
        np.testing.assert_allclose(now[name].numpy(), expected, rtol=1e-5)
    assert model.size == (32, 48)
    assert float(model.rig.baseline_mm) == pytest.approx(4.12, abs=0.2)


@pytest.mark.parametrize("encoder", KEYS)
def test_names_and_shapes_of_the_weights_stay(encoder: str):
    weights = Monodepth(encoder).state_dict()
    lines = "\n".join(f"{name} {list(value.shape)}" for name, value in weights.items())
    assert hashlib.sha256(lines.encode()).hexdigest() == KEYS[encoder]
