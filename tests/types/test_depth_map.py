"""Depth maps: each conversion is exact where it is defined, and refused with a reason elsewhere."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from m3depth.errors import DataError
from m3depth.types import DepthMap, Kind, Scale, StereoRig

WIDTH = 16
RIG = StereoRig(
    *(
        torch.tensor(v).double()
        for v in ([20.0, 30], [20.0, 30], [8.0, 8], [3.0, 3], [8.0, 6.5], [4.0, 5])
    )
)
MONO = RIG._replace(cx_right=RIG.cx, baseline_mm=torch.zeros(2).double())
DEPTH = DepthMap(
    torch.linspace(20, 90, 2 * 6 * WIDTH).double().reshape(2, 1, 6, WIDTH),
    Kind.DEPTH,
    camera=RIG,
    error=torch.full((2, 1, 6, WIDTH), 0.5).double(),
)


def close(one: DepthMap, other: DepthMap) -> None:
    assert (one.kind, one.scale) == (other.kind, other.scale)
    torch.testing.assert_close(one.values, other.values)
    torch.testing.assert_close(one.error, other.error)


@pytest.mark.parametrize(("kind", "back"), list(product(Kind, Kind)))
def test_there_and_back_is_the_identity_for_every_pair(kind: Kind, back: Kind):
    given = DEPTH.to(kind)
    assert given.kind is kind
    close(given.to(back).to(kind), given)


def test_the_conversions_are_those_of_the_textbook():
    disparity = DEPTH.to(Kind.DISPARITY)
    parallax = RIG.fx * RIG.baseline_mm / DEPTH.values[:, 0, 2, 3]
    expected = parallax + torch.tensor([0.0, 1.5])
    torch.testing.assert_close(disparity.values[:, 0, 2, 3], expected)
    torch.testing.assert_close(DEPTH.to(Kind.FRACTION).values * WIDTH, disparity.values)
    torch.testing.assert_close(DEPTH.to(Kind.INVERSE_DEPTH).values, 1 / DEPTH.values)


@pytest.mark.parametrize(("kind", "other"), [(a, b) for a, b in product(Kind, Kind) if a != b])
def test_the_expected_error_follows_to_first_order(kind: Kind, other: Kind):
    given = DEPTH.to(kind)
    step = 1e-6 * given.values
    moved = DepthMap(given.values + step, kind, camera=RIG)
    change = (moved.to(other).values - given.to(other).values).abs()
    expected = given.to(other).error / given.error * step
    torch.testing.assert_close(change, expected, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("kind", [Kind.FRACTION, Kind.DISPARITY])
@pytest.mark.parametrize("camera", [None, MONO])
def test_disparity_and_depth_need_a_baseline(kind: Kind, camera: StereoRig | None):
    disparity = DepthMap(torch.full((2, 1, 6, WIDTH), 0.1), kind, camera=camera)
    for other in (Kind.DEPTH, Kind.INVERSE_DEPTH):
        with pytest.raises(DataError, match="no baseline is known"):
            disparity.to(other)
        with pytest.raises(DataError, match="no baseline is known"):
            DepthMap(DEPTH.values, other, camera=camera).to(kind)
    assert disparity.to(Kind.FRACTION).to(Kind.DISPARITY).kind is Kind.DISPARITY


def test_depth_and_its_inverse_need_no_camera():
    for scale in (Scale.METRIC, Scale.UP_TO_SCALE):
        depth = DepthMap(DEPTH.values, Kind.DEPTH, scale)
        back = depth.to(Kind.INVERSE_DEPTH).to(Kind.DEPTH)
        torch.testing.assert_close(back.values, depth.values)
        assert back.scale is scale


@pytest.mark.parametrize("scale", [Scale.UP_TO_SCALE, Scale.UP_TO_SCALE_AND_SHIFT])
def test_relative_maps_have_no_millimetres_and_no_disparity(scale: Scale):
    relative = DepthMap(DEPTH.values, Kind.INVERSE_DEPTH, scale, camera=RIG)
    with pytest.raises(DataError, match=r"known up to scale.* only: align it"):
        relative.depth_mm()
    with pytest.raises(DataError, match="has no "):
        relative.to(Kind.DISPARITY)


EVERY = list(product(Scale, Kind, Kind))
INVERSES, DISPARITIES = {Kind.DEPTH, Kind.INVERSE_DEPTH}, {Kind.FRACTION, Kind.DISPARITY}


def is_defined(scale: Scale, kind: Kind, other: Kind) -> bool:
    if scale is Scale.METRIC or kind is other or {kind, other} == DISPARITIES:
        return True
    return scale is Scale.UP_TO_SCALE and {kind, other} == INVERSES


@pytest.mark.parametrize(("scale", "kind", "other"), EVERY)
def test_every_conversion_is_exact_or_refused_with_its_reason(
    scale: Scale, kind: Kind, other: Kind
):
    given = replace(DEPTH.to(kind), scale=scale)
    if is_defined(scale, kind, other):
        close(given.to(other), replace(DEPTH.to(other), scale=scale))
        return
    shift = {kind, other} == INVERSES
    reason = "up to scale and shift has no inverse: its shift" if shift else "has no d.*: align it"
    with pytest.raises(DataError, match=reason):
        given.to(other)
    if shift and kind is Kind.DEPTH:
        with pytest.raises(DataError, match=reason):
            given.relative()


def test_what_every_map_has_in_common_is_inverse_depth_up_to_scale_and_shift():
    maps = [DEPTH.to(kind) for kind in Kind] + [DepthMap(DEPTH.values, Kind.DEPTH)]
    reference = 1 / DEPTH.values[1].flatten()
    for one in maps:
        relative = one.relative()
        assert (relative.kind, relative.scale) == (Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT)
        values = relative.values[1].flatten()
        assert torch.corrcoef(torch.stack([values, reference]))[0, 1] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("kind", Kind)
def test_disparity_of_one_camera_is_inverse_depth_up_to_scale(kind: Kind):
    given = DEPTH.to(kind)
    assert given.up_to_scale() is given  # its baseline is known
    single = given.seen_by(MONO)
    found = single.up_to_scale()
    if kind in (Kind.DEPTH, Kind.INVERSE_DEPTH):
        assert found is single
        return
    assert (found.kind, found.scale) == (Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE)
    ratio = found.to(Kind.DEPTH).values[0] / DEPTH.values[0]  # of parallel axes
    torch.testing.assert_close(ratio, ratio[:1, :1, :1].expand_as(ratio))


def test_what_is_not_known_is_told():
    holes = DEPTH.values.clone()
    holes[0, 0, 0, 0] = 0.0
    disparity = DepthMap(holes, Kind.DEPTH, camera=RIG).to(Kind.DISPARITY)
    assert not disparity.known[0, 0, 0, 0]
    assert disparity.known.sum() == disparity.known.numel() - 1
    assert disparity.to(Kind.DEPTH).depth_mm()[0, 0, 0, 0] == 0
    behind = DepthMap(torch.full((2, 1, 6, WIDTH), 1.0), Kind.DISPARITY, camera=RIG)
    known = behind.to(Kind.DEPTH).known
    assert known[0].all()  # parallel axes
    assert not known[1].any()  # at infinity the second rig sees 1.5 px


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("scale", [Scale.UP_TO_SCALE, Scale.UP_TO_SCALE_AND_SHIFT])
def test_what_is_known_up_to_a_scale_has_no_disparity(kind: Kind, scale: Scale):
    values = torch.rand(1, 1, 2, 3)
    assert not DepthMap(values, kind, scale).has_disparity
    assert DepthMap(values, kind).has_disparity == (kind in (Kind.FRACTION, Kind.DISPARITY))
