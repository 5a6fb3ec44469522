"""Frames and options that no writer takes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from prior_scenes import (
    a_prior,
    export,
    some_priors,
    without_depth,
)

from m3depth.errors import ConfigError, DataError
from m3depth.geometry import poses
from m3depth.priors.layouts.endogaussian_mono import EndoGaussianMonoLayout
from m3depth.priors.layouts.endonerf.layout import EndoNeRFLayout
from m3depth.priors.layouts.graphdeco.layout import GraphdecoLayout
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.ply import PlyLayout
from m3depth.priors.layouts.writer import scene_writer
from m3depth.priors.prior import DepthPrior


def spoilt_pose(prior: DepthPrior, factor: float) -> DepthPrior:
    pose = prior.camera_to_world.clone()
    pose[:3, 0] *= factor
    return replace(prior, camera_to_world=pose)


def with_map(prior: DepthPrior, name: str, values: torch.Tensor) -> DepthPrior:
    """Past the tests' own checks of shapes, which users do not have."""
    spoilt = replace(prior)
    object.__setattr__(spoilt, name, values)
    return spoilt


def with_rig(prior: DepthPrior, **values: float) -> DepthPrior:
    numbers = {name: torch.tensor(value) for name, value in values.items()}
    return replace(prior, rig=prior.rig._replace(**numbers))


BAD = {
    "mask_of_numbers": (lambda p: with_map(p, "use", torch.ones_like(p.depth_mm)), "mask > 0"),
    "mask_of_three": (
        lambda p: with_map(p, "use", p.image > 0),
        r"use has the shape \(3, 48, 64\), the image \(3, 48, 64\); expected one channel",
    ),
    "small_mask": (lambda p: with_map(p, "use", p.depth_mm[:, :9] > 0), "use has the shape"),
    "cut_depth": (lambda p: with_map(p, "depth_mm", p.depth_mm[:, :9]), "depth_mm has the shape"),
    "nan_confidence": (lambda p: replace(p, confidence=0 * p.depth_mm.log()), "expected 0 to 1"),
    "percent": (lambda p: replace(p, confidence=p.confidence * 0 + 80), "confidence from 80"),
    "nan_rig": (lambda p: with_rig(p, cx=float("nan")), "cx of the rig is nan"),
    "no_focal_length": (lambda p: with_rig(p, fy=0.0), "fy of the rig is 0"),
    "metres": (lambda p: replace(p, depth_mm=p.depth_mm / 1000), "metres"),
    "nan_colours": (lambda p: replace(p, image=p.image.log()[:3] * float("nan")), "colours"),
    "colours_to_255": (lambda p: replace(p, image=p.image * 255), "colours from 0 to 255"),
    "nan_depth": (lambda p: replace(p, depth_mm=p.depth_mm * float("nan")), "NaN, infinite"),
    "scaled_pose": (lambda p: spoilt_pose(p, 1.1), "no rotation"),
    "mirrored_pose": (lambda p: spoilt_pose(p, -1.0), "determinant -1"),
    "nan_pose": (lambda p: spoilt_pose(p, float("nan")), "no rotation"),
}


@pytest.mark.parametrize("fault", BAD)
def test_an_unsound_frame_is_refused_and_named(tmp_path: Path, fault: str) -> None:
    spoil, told = BAD[fault]
    with pytest.raises(DataError, match=rf"^clip/000: .*{told}"):
        scene_writer(tmp_path, NpzLayout).write(0, spoil(a_prior(0)))
    assert not (tmp_path / "priors").exists()


def test_all_zero_depth_in_every_frame_is_no_scene(tmp_path: Path) -> None:
    writer = scene_writer(tmp_path, NpzLayout)
    writer.write(0, without_depth(a_prior(0)))
    with pytest.raises(DataError, match="no frame has one pixel of usable depth"):
        writer.finish(1)


def test_frames_of_a_scene_that_have_no_depth_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    priors = some_priors(moving=False)
    export(scene_writer(tmp_path, NpzLayout), [priors[0], without_depth(priors[1]), priors[2]])
    assert f"1 of 3 frames have no usable depth: {priors[1].key}" in caplog.text


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda d: scene_writer(
                d, EndoGaussianMonoLayout, pose_convention=poses.opencv(), near_mm=0.0
            ),
            "near_mm",
        ),
        (lambda d: scene_writer(d, GraphdecoLayout, near_mm=-1.0), "near_mm"),
        (lambda d: scene_writer(d, PlyLayout, voxel_mm=0.0), "voxel_mm"),
        (
            lambda d: scene_writer(
                d, EndoNeRFLayout, pose_convention=poses.opengl(), size=(512, 0)
            ),
            "size",
        ),
    ],
    ids=["mono", "graphdeco", "ply", "endonerf"],
)
def test_options_out_of_range_are_refused(tmp_path: Path, make, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make(tmp_path)
