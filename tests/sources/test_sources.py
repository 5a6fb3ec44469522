"""Where an export's depth may come from."""

from typing import Any

import pytest
import torch
from torch import Tensor

from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import DataError
from m3depth.priors.made import completed, prior_of
from m3depth.priors.prior import DepthPrior
from m3depth.sources.exact import ExactSource
from m3depth.sources.network import NetworkSource
from m3depth.sources.source import Source
from m3depth.sources.stereo import StereoSource
from m3depth.types import DepthMap, Kind
from m3depth.types.disparity import disparity_from_depth


def a_sample() -> Any:
    return SyntheticPairs("test", 1, (96, 128), cache=False)[0]


def made(source: Source, sample: Any) -> DepthPrior:
    return prior_of(sample, source([sample])[0])


def off_px(prior: Any, sample: Any) -> Tensor:
    true_px = disparity_from_depth(sample["depth_mm"], sample["rig"])
    return (prior.disparity_px - true_px).abs()[prior.depth_mm > 0]


def test_the_exact_source_is_the_datas_depth():
    sample = a_sample()
    sample["depth_mm"][:, :3] = 0
    prior = made(ExactSource(), sample)
    assert torch.equal(prior.depth_mm, sample["depth_mm"])
    assert torch.equal(prior.confidence, (sample["depth_mm"] > 0).float())
    assert off_px(prior, sample).max() < 1e-3
    assert not prior.disparity_px[:, :3].any()


def test_depth_of_another_resolution_is_not_mixed():
    sample = a_sample()
    fine = torch.zeros(1, 192, 256)
    fine[:, ::2, ::2] = fine[:, 1::2, ::2] = sample["depth_mm"]
    fine[:, ::2, 1::2] = fine[:, 1::2, 1::2] = sample["depth_mm"]
    sample_of_fine = {**sample, "depth_mm": fine}
    assert torch.equal(made(ExactSource(), sample_of_fine).depth_mm, sample["depth_mm"])


def test_the_stereo_source_matches_both_images_and_says_where_it_could_not():
    sample = a_sample()
    prior = made(StereoSource(), sample)
    known = prior.depth_mm > 0
    assert 0.5 < known.float().mean() < 1
    assert off_px(prior, sample).median() < 1
    assert torch.equal(prior.confidence > 0, known)
    assert torch.equal(prior.disparity_px > 0, known)
    blank = {**sample, "right": torch.zeros_like(sample["right"])}
    assert (made(StereoSource(), blank).depth_mm > 0).float().mean() < 0.1


@pytest.mark.parametrize(
    ("source", "part", "told"),
    [
        (ExactSource(), "depth_mm", "no depth of their own"),
        (StereoSource(), "right", "right image"),
    ],
    ids=["exact", "stereo"],
)
def test_what_a_source_needs_is_asked_for(source: Any, part: str, told: str):
    sample = a_sample()
    del sample[part]
    with pytest.raises(DataError, match=rf"test/\S+: .*{told}.*source=network"):
        source([sample])


def test_a_network_sees_what_was_made_for_it_beforehand():
    seen: list[Tensor] = []

    def network(images: Tensor) -> DepthMap:
        seen.append(images)
        one = torch.full((len(images), 1, *images.shape[-2:]), 0.1)
        return DepthMap(one, Kind.FRACTION, error=one * 0.01)

    sample = a_sample()
    source = NetworkSource(network, (24, 32), sample["rig"], (96, 128))
    prepared = source.ahead(sample)
    assert prepared["left"] is sample["left"]
    alone, ahead = made(source, sample), made(source, prepared)
    assert torch.equal(*seen)
    assert torch.equal(alone.depth_mm, ahead.depth_mm)
    source([{**sample, "small": torch.zeros(3, 24, 32)}])
    assert not seen[2].any()


def test_pose_and_tools_come_along():
    sample = a_sample()
    prior = completed(made(ExactSource(), sample), sample)
    assert torch.equal(prior.use, ~sample["tool"])
    assert torch.equal(prior.camera_to_world, torch.eye(4))
    pose = torch.eye(4)
    pose[0, 3] = 5
    assert completed(prior, {**sample, "camera_to_world": pose}).camera_to_world[0, 3] == 5
    del sample["tool"]
    assert completed(made(ExactSource(), sample), sample).use is None


@pytest.mark.parametrize("crop", [10, -10])
def test_the_stereo_source_follows_the_offset_between_principal_points(crop: int):
    """Views that were cropped apart: the same depth, whatever the sign of the offset."""
    sample = a_sample()
    width = sample["left"].shape[-1] - abs(crop)
    from_left, from_right = max(crop, 0), max(-crop, 0)
    rig = sample["rig"]
    cropped = {
        **sample,
        "left": sample["left"][:, :, from_left : from_left + width],
        "right": sample["right"][:, :, from_right : from_right + width],
        "depth_mm": sample["depth_mm"][:, :, from_left : from_left + width],
        "rig": rig._replace(cx=rig.cx - from_left, cx_right=rig.cx_right - from_right),
    }
    prior = made(StereoSource(), cropped)
    known = prior.depth_mm > 0
    whole = made(StereoSource(), sample).depth_mm[:, :, from_left : from_left + width] > 0
    assert known.float().mean() > 0.85 * whole.float().mean()
    error_mm = (prior.depth_mm - cropped["depth_mm"]).abs()[known]
    assert error_mm.median() < 3


@pytest.mark.parametrize("wrong", ["nan", "scaled", "mirrored", "transposed"])
def test_a_pose_that_is_none_is_refused(wrong: str):
    sample = a_sample()
    pose = torch.eye(4)
    pose[:3, 3] = torch.tensor([1.0, 2.0, 3.0])
    prior = made(ExactSource(), sample)
    assert torch.equal(completed(prior, {**sample, "camera_to_world": pose}).camera_to_world, pose)
    broken = {
        "nan": pose * torch.nan,
        "scaled": pose * torch.tensor([1000.0, 1000, 1000, 1]),
        "mirrored": pose * torch.tensor([-1.0, 1, 1, 1]),
        "transposed": pose.T,
    }[wrong]
    with pytest.raises(DataError, match=r"test/\S+: its pose is no rotation"):
        completed(prior, {**sample, "camera_to_world": broken})
