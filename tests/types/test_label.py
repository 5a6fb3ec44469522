"""A depth label says the same depth, whatever kind of map it was made from."""

import pytest
import torch

from m3depth.errors import DataError
from m3depth.types import DepthLabel, DepthMap, Kind, Scale, StereoRig
from m3depth.types.disparity import disparity_from_depth

RIG = StereoRig(
    *(one[None] for one in StereoRig.of(60.0, 60.0, 15.5, 7.5, 13.5, 5.0))
)  # infinity is at 2 px
DEPTH_MM = torch.tensor([0.0, 40.0, 50.0, 75.0, 120.0]).expand(1, 1, 3, -1)
KNOWN = DEPTH_MM > 0


def of_kind(kind: Kind) -> DepthMap:
    """The same metric depth; what is not known is 0."""
    pixels = disparity_from_depth(DEPTH_MM, RIG)
    values = {
        Kind.DEPTH: DEPTH_MM,
        Kind.INVERSE_DEPTH: torch.where(KNOWN, 1 / DEPTH_MM, 0.0),
        Kind.DISPARITY: pixels,
        Kind.FRACTION: pixels / DEPTH_MM.shape[-1],
    }
    return DepthMap(values[kind], kind, camera=RIG)


@pytest.mark.parametrize("kind", Kind)
def test_metric_maps_of_any_kind_have_one_label(kind: Kind):
    label = DepthLabel.of(of_kind(kind))
    torch.testing.assert_close(label.depth, DEPTH_MM)
    assert torch.equal(label.known, KNOWN)
    assert (label.metric.tolist(), label.shifted.tolist()) == ([True], [False])


def test_what_is_up_to_scale_has_a_depth_in_a_unit_of_its_own():
    depth = DepthMap(DEPTH_MM / 7, Kind.DEPTH, Scale.UP_TO_SCALE)
    disparity = DepthMap(of_kind(Kind.INVERSE_DEPTH).values, Kind.DISPARITY, Scale.UP_TO_SCALE)
    for map_, factor in ((depth, 1 / 7), (disparity, 1.0)):
        label = DepthLabel.of(map_)
        torch.testing.assert_close(label.depth, factor * DEPTH_MM)
        assert (label.metric.tolist(), label.shifted.tolist()) == ([False], [False])


def test_a_shifted_disparity_has_no_depth_and_may_be_negative():
    shifted = torch.tensor([-1.0, 0.0, 2.0, torch.nan, torch.inf]).expand(1, 1, 2, -1)
    label = DepthLabel.of(DepthMap(shifted, Kind.DISPARITY, Scale.UP_TO_SCALE_AND_SHIFT))
    assert label.known[0, 0, 0].tolist() == [True, True, True, False, False]
    assert label.inverse_depth.isfinite().all()
    assert not label.depth.any()
    assert (label.metric.tolist(), label.shifted.tolist()) == ([False], [True])


def test_what_a_map_does_not_know_its_label_does_not():
    known = torch.tensor([True, True, False, True, True]).expand_as(DEPTH_MM)
    assert torch.equal(
        DepthLabel.of(DepthMap(DEPTH_MM, Kind.DEPTH, known=known)).known, known & KNOWN
    )


def test_an_infinite_depth_is_not_known():
    assert not DepthLabel.of(DepthMap(torch.full((1, 1, 2, 2), torch.inf), Kind.DEPTH)).known.any()


def test_a_disparity_of_an_unknown_rig_is_not_metric():
    with pytest.raises(DataError, match="no baseline is known"):
        DepthLabel.of(DepthMap(torch.ones(1, 1, 2, 2), Kind.DISPARITY))


def test_resized_by_nearest_pixels():
    label = DepthLabel.of(of_kind(Kind.DEPTH)).resized((6, 10))
    assert set(label.depth.unique().round(decimals=2).tolist()) == {0, 40, 50, 75, 120}
    assert label.known.shape == (1, 1, 6, 10)
    torch.testing.assert_close(label.resized((3, 5)).depth, DEPTH_MM)
