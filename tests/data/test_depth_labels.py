"""Labels of several kinds in one batch, and the built-in scenes whose labels lost their scale."""

import pytest
import torch
from torch.utils.data import ConcatDataset, Dataset

from m3depth.data.fields import Box, collate, cropped, mirrored, require, resized
from m3depth.data.relative_labels import RelativeLabels
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import ConfigError, DataError
from m3depth.types import DepthLabel, DepthMap, Kind, Scale, StereoBatch, StereoRig

SIZE = (16, 24)


@pytest.fixture(scope="module")
def pairs() -> SyntheticPairs:
    return SyntheticPairs("train", 3, SIZE, cache=False)


def one_view(depth_mm: torch.Tensor) -> StereoBatch:
    rig = StereoRig.monocular(24.0, 24.0, 11.5, 7.5)
    return StereoBatch(left=torch.rand(3, *SIZE), rig=rig, key="made/0", depth_mm=depth_mm)


def test_metric_depth_becomes_a_label_where_one_is_needed():
    depth_mm = torch.rand(1, *SIZE) * 100
    mask = torch.rand(1, *SIZE) > 0.5
    sample = one_view(depth_mm)
    sample["mask"] = mask
    batch = collate([sample, sample], needs={"left", "depth_label"})
    assert "depth_mm" not in batch
    torch.testing.assert_close(batch["depth_label"].depth[0], torch.where(mask, depth_mm, 0.0))
    assert batch["depth_label"].metric.tolist() == [True, True]
    assert "depth_label" not in collate([sample], needs={"left"})


def test_depths_of_several_resolutions_fit_one_batch():
    samples = [one_view(torch.full((1, *size), 50.0)) for size in (SIZE, (32, 48), (8, 12))]
    label = collate(samples, needs={"depth_label"})["depth_label"]
    assert label.depth.shape == (3, 1, *SIZE)
    assert label.depth.unique().tolist() == pytest.approx([50])


def test_a_depth_that_nobody_needs_may_have_several_resolutions_and_others_are_named():
    small, large = (one_view(torch.full((1, *size), 50.0)) for size in (SIZE, (32, 48)))
    assert "depth_mm" not in collate([small, large], needs={"depth_label"}, labels=True)
    assert "depth_mm" in collate([small, small], needs={"depth_label"}, labels=True)
    with pytest.raises(DataError, match=r"depth_mm is \(1, 32, 48\), and \(1, 16, 24\) in made/0"):
        collate([small, large], needs={"depth_mm"})
    large["left"] = torch.rand(3, 32, 48)
    with pytest.raises(DataError, match=r"left is \(3, 32, 48\).*data.batch_size=1"):
        collate([small, large], needs={"left"})


def test_a_set_without_depth_is_named():
    sample = one_view(torch.ones(1, *SIZE))
    del sample["depth_mm"]
    with pytest.raises(DataError, match="made/0: no depth to learn from"):
        require(sample, {"depth_label"})


def test_a_label_goes_with_its_images(pairs: SyntheticPairs):
    monocular = {name: value for name, value in pairs[0].items() if name != "right"}
    batch = collate([monocular, monocular], needs={"depth_label", "depth_mm"})
    which = torch.tensor([True, False])
    moves = (
        lambda one: mirrored(one, which),
        lambda one: cropped(one, Box(2, 4, 8, 16)),
    )
    for move in moves:
        after = move(batch)
        torch.testing.assert_close(after["depth_label"].depth, after["depth_mm"])
    assert resized(batch, (8, 12))["depth_label"].known.shape[-2:] == (8, 12)


def affine(label: torch.Tensor, true_mm: torch.Tensor) -> tuple[float, float, float]:
    """The scale and shift that make the label of 1/depth, and how far off the fit is."""
    inverse = (1 / true_mm.flatten()).double()
    matrix = torch.stack([inverse, torch.ones_like(inverse)], 1)
    found = torch.linalg.lstsq(matrix, label.flatten().double()[:, None]).solution[:, 0]
    off = (matrix @ found - label.flatten()).abs().max()
    return float(found[0]), float(found[1]), float(off)


class TestRelativeLabels:
    def test_are_the_inverse_depth_but_for_a_scale_and_a_shift_of_each_frame(
        self, pairs: SyntheticPairs
    ):
        relative = RelativeLabels(pairs)
        fits = []
        for index in range(len(pairs)):
            sample = relative[index]
            label = sample["depth_label"]
            assert "depth_mm" not in sample
            assert (bool(label.metric), bool(label.shifted)) == (False, True)
            assert torch.equal(sample["left"], pairs[index]["left"])
            scale, shift, off = affine(label.inverse_depth, pairs[index]["depth_mm"])
            assert off < 1e-5
            assert scale > 0
            fits.append((scale, shift))
        assert len({round(scale, 3) for scale, _ in fits}) == len(fits)
        assert len({round(shift, 3) for _, shift in fits}) == len(fits)

    def test_without_a_shift_are_depth_up_to_scale(self, pairs: SyntheticPairs):
        label = RelativeLabels(pairs, shift=None)[0]["depth_label"]
        assert (bool(label.metric), bool(label.shifted)) == (False, False)
        ratio = label.depth / pairs[0]["depth_mm"]
        torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio))

    def test_depend_on_the_seed_and_the_frame_alone(self, pairs: SyntheticPairs):
        one, again, other = (
            RelativeLabels(pairs, seed=seed)[1]["depth_label"] for seed in (0, 0, 1)
        )
        assert torch.equal(one.inverse_depth, again.inverse_depth)
        assert not torch.equal(one.inverse_depth, other.inverse_depth)

    def test_keep_what_is_not_known(self, pairs: SyntheticPairs):
        holes = torch.rand(1, *SIZE) > 0.3

        class WithHoles(Dataset[StereoBatch]):
            def __len__(self) -> int:
                return 1

            def __getitem__(self, index: int) -> StereoBatch:
                return {**pairs[0], "depth_mm": pairs[0]["depth_mm"] * holes}

        label = RelativeLabels(WithHoles())[0]["depth_label"]
        assert torch.equal(label.known, holes)

    def test_stand_beside_metric_ones_in_a_batch(self, pairs: SyntheticPairs):
        mixed = ConcatDataset([pairs, RelativeLabels(pairs, shift=None), RelativeLabels(pairs)])
        label = collate([mixed[i] for i in (0, 3, 6)], needs={"left", "depth_label"})["depth_label"]
        assert label.metric.tolist() == [True, False, False]
        assert label.shifted.tolist() == [False, False, True]

    @pytest.mark.parametrize("wrong", [{"scale": [0, 1]}, {"scale": [2, 1]}, {"shift": [1]}])
    def test_bounds_that_cannot_be_are_refused(self, pairs: SyntheticPairs, wrong: dict):
        with pytest.raises(ConfigError, match=r"RelativeLabels\.(scale|shift)="):
            RelativeLabels(pairs, **wrong)

    def test_a_set_without_depth_is_named(self):
        class Bare(Dataset[StereoBatch]):
            def __len__(self) -> int:
                return 1

            def __getitem__(self, index: int) -> StereoBatch:
                return {k: v for k, v in one_view(torch.ones(1, *SIZE)).items() if k != "depth_mm"}

        with pytest.raises(DataError, match="made/0: no depth"):
            RelativeLabels(Bare())[0]


def test_a_depth_map_of_another_kind_may_be_a_label(pairs: SyntheticPairs):
    """What a reader of bare disparity would give."""
    shifted = DepthMap(torch.rand(1, 1, *SIZE), Kind.DISPARITY, Scale.UP_TO_SCALE_AND_SHIFT)
    bare = {**one_view(torch.ones(1, *SIZE)), "depth_label": DepthLabel.of(shifted).sample()}
    batch = collate([bare, one_view(torch.ones(1, *SIZE))], needs={"depth_label"})
    assert batch["depth_label"].shifted.tolist() == [True, False]
