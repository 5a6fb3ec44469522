import subprocess
import sys

import pytest
import torch
from jaxtyping import TypeCheckError

import m3depth
from m3depth.geometry.warp import warp
from m3depth.losses.smoothness import edge_aware
from m3depth.types.camera import StereoRig

HEAVY = ("open3d", "wandb", "plotly", "matplotlib", "cv2", "kornia", "pytorch_lightning", "timm")


def modules_after(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["m3depth", "m3depth.cli.app", "m3depth.cli.verbs"])
def test_importing_loads_nothing_heavy(module: str):
    loaded = modules_after(f"import {module}")
    assert module in loaded
    assert not loaded & {*HEAVY, "torch", "hydra"}


SAID_AT_ONCE = {  # by modules that take a second or more
    "--help": 0,
    "--version": 0,
    "trane": 2,
    "train --help": 0,
    "check kind=prior --help": 0,
    "train optimiser.lr=1": 2,
    "train +optimiser.lr=1": 2,
    "train trainer.max_epoch=3": 2,
    "evaluate data.batchsize=3": 2,
    "predict --checkpoint=x": 2,
    "train -m seed=1,2 optimiser.lr=1": 2,
}


@pytest.mark.parametrize("line", SAID_AT_ONCE)
def test_help_and_typos_are_answered_before_anything_heavy_is_loaded(line: str):
    script = (
        "import sys; from m3depth.cli.app import main\n"
        f"try: status = main({line.split()})\n"
        "except SystemExit as ended: status = ended.code\n"
        "print(status, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    status, *loaded = done.stdout.splitlines()[-1].split()
    assert int(status) == SAID_AT_ONCE[line], done.stderr
    assert "m3depth.cli.app" in loaded
    assert not set(loaded) & {*HEAVY, "torch", "numpy", "scipy", "PIL", "rich"}


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
