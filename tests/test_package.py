import subprocess
import sys

import pytest
import torch
from jaxtyping import TypeCheckError

import m3depth
from m3depth.geometry.camera import StereoRig
from m3depth.geometry.warp import warp
from m3depth.losses.smoothness import edge_aware

HEAVY = ("open3d", "wandb", "plotly", "matplotlib", "cv2", "kornia", "pytorch_lightning", "timm")


def modules_after(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["m3depth", "m3depth.cli.app"])
def test_importing_loads_nothing_heavy(module: str):
    loaded = modules_after(f"import {module}")
    assert module in loaded
    assert not loaded & {*HEAVY, "torch", "hydra"}


def test_the_verbs_load_what_they_may_not_need_only_where_it_is_used():
    verbs = ("train", "evaluate", "predict", "export", "bench", "doctor")
    loaded = modules_after("; ".join(f"import m3depth.cli.{verb}" for verb in verbs))
    assert not loaded & {"open3d", "wandb", "plotly", "cv2"}  # Lightning loads matplotlib


def test_the_version_is_a_version():
    assert all(part.isdigit() for part in m3depth.__version__.split("."))


def test_shapes_are_checked_while_the_tests_run():
    """So that every other test is also a test of the annotations."""
    with pytest.raises(TypeCheckError):
        warp(torch.rand(1, 3, 4, 5), torch.rand(1, 1, 4, 6))
    with pytest.raises(TypeCheckError):
        edge_aware(torch.rand(1, 2, 4, 5), torch.rand(1, 3, 4, 5))
    with pytest.raises(TypeCheckError):
        StereoRig.of(1.0, 1.0, 1.0, 1.0, 1.0, torch.zeros(()))
