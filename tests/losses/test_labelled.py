"""One objective learns from metric depth, depth up to scale and bare disparity in one batch."""

import logging
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from m3depth.errors import ConfigError, DataError
from m3depth.log import warn_once
from m3depth.losses import relative
from m3depth.losses.labelled import DepthTerm, Labelled, LabelObjective, RelativeTerm
from m3depth.losses.logarithmic import scale_invariant, silog
from m3depth.losses.objective import Objective
from m3depth.losses.terms import Photometric
from m3depth.types import DepthLabel, DepthMap, Kind, Scale, StereoRig

SIZE = (3, 1, 12, 16)
RIG = StereoRig(*(one.expand(3) for one in StereoRig.of(14.0, 14.0, 7.5, 5.5, 6.5, 5.0)))
TRIMMED = RelativeTerm(1.0, relative.trimmed_mae)
SILOG = DepthTerm(1.0, silog)
EIGEN = DepthTerm(1.0, scale_invariant, up_to_scale=True)


def true_mm() -> Tensor:
    return 40 + 60 * torch.rand(SIZE, generator=torch.Generator().manual_seed(1))


def three_kinds(depth_mm: Tensor) -> DepthLabel:
    """Metric depth, depth as of structure from motion, disparity of who knows what rig."""
    inverse = 1 / depth_mm
    maps = (
        DepthMap(depth_mm[:1], Kind.DEPTH),
        DepthMap(depth_mm[1:2] / 33, Kind.DEPTH, Scale.UP_TO_SCALE),
        DepthMap(900 * inverse[2:] - 7, Kind.DISPARITY, Scale.UP_TO_SCALE_AND_SHIFT),
    )
    return DepthLabel(*(torch.cat(field) for field in zip(*map(DepthLabel.of, maps), strict=True)))


def metric(depth_mm: Tensor) -> DepthLabel:
    return DepthLabel.of(DepthMap(depth_mm, Kind.DEPTH))


def beside(depth_mm: Tensor, label: DepthLabel) -> list[Labelled]:
    return [Labelled(DepthMap(depth_mm, Kind.DEPTH), label)]


@pytest.fixture
def predicted() -> Tensor:
    noise = torch.randn(SIZE, generator=torch.Generator().manual_seed(2))
    return (true_mm() * torch.exp(0.1 * noise)).requires_grad_()


def test_a_relative_term_does_not_see_of_which_kind_a_label_is(predicted: Tensor):
    for loss in (relative.mse, relative.mae, relative.trimmed_mae, relative.gradient_matching):
        term = RelativeTerm(1.0, loss)
        found = term(beside(predicted, three_kinds(true_mm())))
        expected = term(beside(predicted, metric(true_mm())))
        assert found.counted.all()
        torch.testing.assert_close(found.value, expected.value, rtol=1e-4, atol=1e-5)


def test_a_metric_term_counts_the_metric_sample_alone(predicted: Tensor):
    found = SILOG(beside(predicted, three_kinds(true_mm())))
    assert found.counted.tolist() == [True, False, False]
    found.mean().backward()
    assert predicted.grad[0].any()
    assert not predicted.grad[1:].any()
    alone = SILOG([Labelled(DepthMap(predicted[:1], Kind.DEPTH), metric(true_mm()[:1]))])
    torch.testing.assert_close(found.mean(), alone.mean())


def test_a_term_blind_to_scale_counts_depth_up_to_scale_too(predicted: Tensor):
    found = EIGEN(beside(predicted, three_kinds(true_mm())))
    assert found.counted.tolist() == [True, True, False]
    expected = EIGEN(beside(predicted, metric(true_mm()))).value
    torch.testing.assert_close(found.value[:2], expected[:2])


def test_one_objective_of_all_on_one_batch(predicted: Tensor):
    objective = LabelObjective({"trimmed": TRIMMED, "silog": SILOG, "eigen": EIGEN})
    losses = objective(beside(predicted, three_kinds(true_mm())))
    losses.total.backward()
    assert losses.total.item() == pytest.approx(float(sum(losses.terms.values())))
    assert losses.left_out == 2
    assert all(one.any() for one in predicted.grad)  # every sample teaches
    assert predicted.grad.isfinite().all()


@pytest.mark.parametrize("kind", Kind)
def test_the_network_may_give_depth_of_any_kind(kind: Kind):
    depth_mm = 1.1 * true_mm()
    found = DepthMap(depth_mm, Kind.DEPTH, camera=RIG).to(kind)
    label = three_kinds(true_mm())
    expected = beside(depth_mm, label)
    for term in (TRIMMED, SILOG, EIGEN):
        value = term([Labelled(found, label)]).value
        torch.testing.assert_close(value, term(expected).value, rtol=1e-3, atol=1e-4)


def test_what_the_network_does_not_know_does_not_count(predicted: Tensor):
    known = torch.rand(SIZE) > 0.5
    label = three_kinds(true_mm())
    partly = DepthMap(predicted, Kind.DEPTH, known=known)
    for term in (TRIMMED, SILOG):
        found = term([Labelled(partly, label)]).value
        fewer = term(beside(predicted, label._replace(known=label.known & known))).value
        torch.testing.assert_close(found, fewer)


def test_a_batch_without_a_metric_label_is_told_once(
    predicted: Tensor, caplog: pytest.LogCaptureFixture
):
    warn_once.cache_clear()
    relative_alone = DepthLabel(*(field[1:] for field in three_kinds(true_mm())))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            found = SILOG(beside(predicted[1:], relative_alone))
    assert caplog.text.count("choose objective=relative") == 1
    assert not found.counted.any()
    assert found.mean() == 0
    found.mean().backward()
    assert not predicted.grad.any()


def test_labels_without_a_known_pixel_are_told_once(predicted: Tensor, caplog):
    label = three_kinds(true_mm())
    nothing = label._replace(known=torch.zeros_like(label.known))
    objective = LabelObjective({"trimmed": TRIMMED})
    for known, times in ((label, 0), (nothing, 1)):
        warn_once.cache_clear()
        caplog.clear()
        for _ in range(2):
            losses = objective(beside(predicted, known))
        assert caplog.text.count("no label with a known pixel") == times
    assert losses.total == 0


def test_pairs_of_unknown_rigs_need_no_depth():
    """A network of disparities cannot give any there, and is asked for none."""
    unknown = StereoRig(*(one.expand(3) for one in StereoRig.uncalibrated(16, 12)))
    fraction = DepthMap(5 / true_mm(), Kind.FRACTION, camera=unknown)
    bare = replace(fraction, scale=Scale.UP_TO_SCALE_AND_SHIFT)
    seen = [Labelled(fraction, DepthLabel.of(bare))]
    assert TRIMMED(seen).counted.all()
    assert not SILOG(seen).counted.any()


@pytest.mark.parametrize("level", [0.0, 0.05, torch.inf, torch.nan])
@pytest.mark.parametrize("kind", Kind)
def test_constant_zero_and_infinite_predictions_end_finite(kind: Kind, level: float):
    values = torch.full(SIZE, level, requires_grad=True)
    seen = [Labelled(DepthMap(values, kind, camera=RIG), three_kinds(true_mm()))]
    losses = LabelObjective({"trimmed": TRIMMED, "silog": SILOG, "eigen": EIGEN})(seen)
    losses.total.backward()
    assert losses.total.isfinite()
    assert values.grad.isfinite().all()


def test_scales_are_added(predicted: Tensor):
    (fine,) = beside(predicted, three_kinds(true_mm()))
    coarse = Labelled(DepthMap(predicted[..., ::2, ::2], Kind.DEPTH), fine.label.resized((6, 8)))
    for term in (TRIMMED, SILOG):
        whole, parts = term([fine, coarse]), [term([one]) for one in (fine, coarse)]
        torch.testing.assert_close(whole.value, parts[0].value + parts[1].value)
        assert torch.equal(whole.counted, parts[0].counted)


def test_millimetres_of_a_relative_network_are_refused():
    relative_map = DepthMap(
        torch.rand(SIZE), Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT, camera=RIG
    )
    seen = [Labelled(relative_map, three_kinds(true_mm()))]
    assert TRIMMED(seen).counted.all()
    for term in (SILOG, EIGEN):
        with pytest.raises(DataError, match="up to scale and shift"):
            term(seen)


def test_an_objective_of_another_system_is_refused(predicted: Tensor):
    seen = beside(predicted, three_kinds(true_mm()))
    with pytest.raises(ConfigError, match=r"look at Views.*gives Labelled.*system="):
        Objective({"photometric": Photometric()})(seen)
