"""Our own exports as data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from prior_scenes import a_prior, export

from m3depth.data.readers.endonerf import EndoNerf
from m3depth.errors import DataError
from m3depth.geometry import poses
from m3depth.priors.layouts.endonerf.layout import EndoNeRFLayout
from m3depth.priors.layouts.writer import scene_writer


def test_poses_of_an_export_of_ours_are_carried_on(tmp_path: Path):
    """Their axes are in its metadata; each frame's pose is relative to the first one's."""
    priors = [a_prior(index, moving=True) for index in range(3)]
    export(scene_writer(tmp_path / "scene", EndoNeRFLayout, pose_convention=poses.opengl()), priors)
    frames = EndoNerf(tmp_path / "scene", None)
    first = torch.linalg.inv(priors[0].camera_to_world)
    for sample, prior in zip(frames, priors, strict=True):
        expected = first @ prior.camera_to_world
        torch.testing.assert_close(sample["camera_to_world"], expected, rtol=0, atol=1e-5)
    rows = np.load(tmp_path / "scene/poses_bounds.npy")
    np.save(tmp_path / "scene/poses_bounds.npy", rows[:2])
    with pytest.raises(DataError, match="3 images, but 2 poses"):
        EndoNerf(tmp_path / "scene", None)
