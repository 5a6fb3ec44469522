"""Relative maps are aligned or refused, and truth may be relative, too."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_sources import Fake
from protocol_files import load
from stereo_fakes import HEIGHT, RIG, WIDTH, Frames, batched, plane, sample
from torch import Tensor

from m3depth.data.relative_labels import RelativeLabels
from m3depth.errors import DataError
from m3depth.evaluation.compared import Compared
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import NEAREST_MM, Protocol
from m3depth.evaluation.relative_truth import score_relative
from m3depth.evaluation.scoring import score_depth
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.report.protocols import protocol_cells
from m3depth.report.rows import rows_for, table
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

TRUE_MM = plane(40.0, slope=1.0)  # 40 to 103 mm
ALIGNING = ["scale_shift", "robust", "midas"]


def relative_map(values: Tensor, known: Tensor | None = None) -> DepthMap:
    return DepthMap(values, Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT, known=known)


def truth() -> Truth:
    return Truth(TRUE_MM[None], TRUE_MM[None] > 0, batched(RIG), "video/7")


def compared(protocol: Protocol, prediction: DepthMap) -> Compared:
    found = protocol.compare(prediction, protocol.within(truth()))
    assert found is not None
    return found


@pytest.mark.parametrize("name", ALIGNING)
def test_whatever_its_scale_and_shift_a_relative_map_becomes_perfect(name: str):
    (protocol,) = load(name)
    for scale, shift in ((1.0, 0.0), (700.0, -9.0), (1e-3, 5.0)):  # of any sign, close together
        found = compared(protocol, relative_map(scale / TRUE_MM[None].double() + shift))
        torch.testing.assert_close(found.depth_mm, TRUE_MM[None].double(), rtol=1e-6, atol=0)
        scores = score_depth(found)
        assert scores["mae_mm"] == pytest.approx(0, abs=1e-4)
        assert not {"epe_px", "scale_ratio"} & scores.keys()  # it has neither


def test_depth_in_millimetres_is_aligned_as_well():
    (protocol,) = load("scale_shift")
    off = 1 / (0.7 / TRUE_MM[None] + 0.002)
    found = compared(protocol, DepthMap(off, Kind.DEPTH))
    torch.testing.assert_close(found.depth_mm, TRUE_MM[None].double(), rtol=1e-5, atol=0)
    assert score_depth(found)["scale_ratio"] > 0


def test_a_robust_protocol_does_not_follow_wrong_pixels():
    wrong = 1 / TRUE_MM[None].double()
    wrong[..., :9] *= 3  # 14 %
    right = torch.arange(WIDTH) >= 9
    for name, perfect in (("robust", True), ("scale_shift", False)):
        error = (compared(load(name)[0], relative_map(wrong)).depth_mm - TRUE_MM)[..., right].abs()
        assert (error.max() < 1e-6) == perfect


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("unscaled", "scores millimetres as predicted.*protocol=scale_shift"),
        ("median", "finds a scale, but no shift.*protocol=scale_shift"),
        ("afsfm", "finds a scale, but no shift"),
    ],
)
def test_a_protocol_that_finds_no_shift_refuses_it(name: str, told: str):
    with pytest.raises(DataError, match=rf"frame video/7: the prediction is relative.*{told}"):
        compared(load(name)[0], relative_map(1 / TRUE_MM[None]))


def test_up_to_scale_alone_the_median_is_enough():
    up_to_scale = DepthMap(3 * TRUE_MM[None], Kind.DEPTH, Scale.UP_TO_SCALE)
    found = compared(load("median")[0], up_to_scale)
    torch.testing.assert_close(found.depth_mm, TRUE_MM[None].double(), rtol=1e-6, atol=0)
    with pytest.raises(DataError, match="protocol=median"):
        compared(load("unscaled")[0], up_to_scale)


@pytest.mark.parametrize("name", ALIGNING)
@pytest.mark.parametrize("values", [torch.full_like(TRUE_MM, 0.4), TRUE_MM], ids=["flat", "upside"])
def test_without_a_rising_fit_it_is_scored_as_a_plane(name: str, values: Tensor):
    found = compared(load(name)[0], relative_map(values[None]))
    expected = 1 / (1 / TRUE_MM.double()).mean()
    assert found.depth_mm.unique().tolist() == pytest.approx([float(expected)])


def test_holes_and_what_is_not_finite_are_no_answers():
    known = torch.ones(1, 1, HEIGHT, WIDTH, dtype=torch.bool)
    known[..., :5] = False
    values = torch.where(known, 1 / TRUE_MM[None], 1e9)
    values[..., 20:22] = torch.nan
    found = compared(load("scale_shift")[0], relative_map(values, known))
    assert not found.answered[..., :5].any()
    assert (found.depth_mm[..., 20:22] == NEAREST_MM).all()
    good = known & values.isfinite()
    assert found.depth_mm[good].numpy() == pytest.approx(TRUE_MM[None][good].numpy(), rel=1e-5)


class TestRelativeTruth:
    def batch(self) -> StereoBatch:
        return as_batch(RelativeLabels(Frames(sample(TRUE_MM)))[0])

    def test_is_zero_for_a_prediction_of_the_same_relief(self):
        for found in (
            relative_map(5 / TRUE_MM[None] - 3),
            DepthMap(2 * TRUE_MM[None], Kind.DEPTH),
            DepthMap(1 / TRUE_MM[None], Kind.FRACTION),
        ):
            assert score_relative(found, self.batch())["rmse_disparity"] < 1e-5

    def test_agrees_with_numpy(self):
        batch = self.batch()
        found = 1 / TRUE_MM[None] + 0.003 * torch.randn(1, 1, HEIGHT, WIDTH)
        true = batch["depth_label"].inverse_depth.flatten().double().numpy()
        true = (true - true.min()) / np.ptp(true)
        x = found.flatten().double().numpy()
        expected = np.sqrt(np.mean((np.polyval(np.polyfit(x, true, 1), x) - true) ** 2))
        scores = score_relative(relative_map(found), batch)
        assert scores == {"rmse_disparity": pytest.approx(expected, rel=1e-5)}

    def test_of_a_flat_or_upside_down_prediction_is_the_truths_own_deviation(self):
        batch = self.batch()
        true = batch["depth_label"].inverse_depth.double()
        expected = true.std(correction=0) / (true.max() - true.min())
        for values in (torch.ones_like(TRUE_MM), TRUE_MM):
            found = score_relative(relative_map(values[None]), batch)["rmse_disparity"]
            assert found == pytest.approx(float(expected), rel=1e-5)

    def test_is_absent_where_truth_is_metric_or_flat(self):
        found = relative_map(1 / TRUE_MM[None])
        assert score_relative(found, as_batch(sample(TRUE_MM))) == {}
        flat = as_batch(RelativeLabels(Frames(sample(plane(50))))[0])
        assert score_relative(found, flat) == {}


def test_an_evaluation_on_relative_truth_names_its_alignment():
    frames = [sample(TRUE_MM, seed) for seed in range(3)]
    relative = RelativeLabels(Frames(*frames))

    def predict(batch: StereoBatch) -> DepthMap:
        fraction = DepthMap(RIG.fx * RIG.baseline_mm / TRUE_MM[None] / WIDTH, Kind.FRACTION)
        return replace(fraction, scale=Scale.UP_TO_SCALE_AND_SHIFT)

    found = evaluate(Fake(predict), relative, load("midas"))
    assert found.first.metrics["rmse_disparity"] == pytest.approx(0, abs=1e-5)
    assert "mae_mm" not in found.first.metrics
    heads, row = protocol_cells(found)
    assert dict(zip(heads, row, strict=True))["alignment"] == "scale_shift"
    metric = evaluate(Fake(predict), Frames(*frames), load("midas", "scale_shift", "robust"))
    assert [result.protocol.alignment for result in metric.results] == [
        "scale_shift",
        "scale_shift",
        "robust",
    ]
    for result in metric.results:
        assert result.metrics["abs_rel"] == pytest.approx(0, abs=1e-5)
        assert "rmse_disparity" not in result.metrics


def test_the_report_shows_relative_maps_where_they_are_aligned_and_passes_over_the_others():
    def predict(batch: StereoBatch) -> DepthMap:
        return relative_map(1 / TRUE_MM[None])

    metric = Frames(sample(TRUE_MM))
    for frames, pictures in ((metric, 4), (RelativeLabels(metric), 1)):
        shown = evaluate(Fake(predict), frames, load("midas")).chosen
        rows = rows_for(shown)
        assert table(rows, shown).count("<img") == pictures
        assert ("mm" in rows.bars()) == (pictures == 4)
