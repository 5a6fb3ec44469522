import cv2
import numpy as np
import pytest
import torch
from protocol_files import load
from stereo_fakes import HEIGHT, RIG, WIDTH, as_map, batched, plane, sample
from torch import Tensor

from m3depth.cli.configuration import configuration
from m3depth.errors import ConfigError, DataError
from m3depth.evaluation.alignment import median, none
from m3depth.evaluation.averaging import SetMean
from m3depth.evaluation.compared import Compared
from m3depth.evaluation.pixels import Crop, visible
from m3depth.evaluation.protocol import NEAREST_MM, Protocol
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.types import DepthMap, StereoBatch, StereoRig
from m3depth.types.disparity import disparity_from_depth

TRUE_MM = torch.tensor([0, 1e-4, 10, 25, 100, 150, 151, 180, 300, 301])
COUNTED = {
    "unscaled": [1e-4, 10, 25, 100, 150, 151, 180, 300, 301],
    "m3depth": [25, 100, 150, 151, 180, 300],
    "median": [10, 25, 100, 150],
    "afsfm": [10, 25, 100],
    "scared_challenge": [1e-4, 10, 25, 100, 150, 151, 180, 300, 301],
    "hamlyn": [10, 25, 100],
    "serv_ct": [1e-4, 10, 25, 100, 150, 151, 180, 300, 301],
    "serv_ct_mono": [10, 25, 100, 150, 151],
    "c3vd": [10, 25],
    "scale_shift": [10, 25, 100, 150],
    "robust": [10, 25, 100, 150],
    "midas": [1e-4, 10, 25, 100, 150, 151, 180, 300],
    "median_video": [10, 25, 100, 150],
    "scale_shift_video": [10, 25, 100, 150],
}
ALIGNED = {name: "median" for name in ("median", "afsfm", "hamlyn", "serv_ct_mono", "c3vd")}
ALIGNED |= {"scale_shift": "scale_shift", "robust": "robust", "midas": "scale_shift"}
ALIGNED |= {f"{name}_video": f"{name}_per_video" for name in ("median", "scale_shift")}

MONOCULAR = batched(StereoRig.monocular(*(float(value) for value in RIG[:4])))


def truth_of(frame: StereoBatch) -> Truth:
    truth = Truth.of(as_batch(frame))
    assert truth is not None
    return truth


def of_depths(true_mm: torch.Tensor, key: str = "video/0") -> Truth:
    """One row of known depths."""
    depth = true_mm.expand(1, 1, 1, -1)
    return Truth(depth, depth > 0, batched(RIG), key)


def predicted(depth_mm: torch.Tensor, given: torch.Tensor | None = None) -> DepthMap:
    depth = depth_mm.expand(1, 1, 1, -1)
    return as_map(disparity_from_depth(depth, batched(RIG)) / depth.shape[-1], given)


def compared(protocol: Protocol, predicted_mm: list[float], true_mm: list[float]) -> Compared:
    truth = protocol.within(of_depths(torch.tensor(true_mm)))
    found = protocol.compare(predicted(torch.tensor(predicted_mm)), truth)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COUNTED)
def test_files(name: str) -> None:
    (protocol,) = load(name)
    assert protocol.name == name
    assert protocol.alignment == ALIGNED.get(name, "none")
    assert protocol.clip == (name in ALIGNED)
    truth = protocol.within(of_depths(TRUE_MM))
    assert truth.depth_mm[truth.counts].tolist() == pytest.approx(COUNTED[name])


def test_there_is_no_other_file() -> None:
    files = {path.stem for path in (configuration() / "protocol").glob("*.yaml")}
    assert files == {*COUNTED, "serv_ct_visible"}


def test_the_order_asked_for_is_kept() -> None:
    assert [p.name for p in load("c3vd", "unscaled", "afsfm")] == ["c3vd", "unscaled", "afsfm"]


def test_others_deviations_are_overrides() -> None:
    (protocol,) = load("afsfm", more=("protocol.afsfm.max_mm=256",))
    assert protocol.max_mm == 256


def test_a_range_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"protocol x: min_mm=5 and max_mm=5"):
        Protocol("x", 5.0, 5.0, none)


def test_coverage_and_means_are_the_protocols_own() -> None:
    m3depth, challenge, unscaled = load("m3depth", "scared_challenge", "unscaled")
    assert (m3depth.min_coverage, challenge.min_coverage, unscaled.min_coverage) == (0.1, 0.1, 0)
    assert isinstance(challenge.mean, SetMean)
    assert not isinstance(m3depth.mean, SetMean)


def test_only_hamlyn_s_later_videos_are_cropped() -> None:
    (hamlyn,) = load("hamlyn")
    depth = torch.full((1, 1, 288, 720), 60.0)
    for key, columns in (("rectified13/1", 720), ("rectified14/1", 410), ("rectified27/1", 410)):
        within = hamlyn.within(Truth(depth, depth > 0, batched(RIG), key))
        assert int(within.counts.sum()) == 288 * columns
    small = Truth(depth[..., :400], depth[..., :400] > 0, batched(RIG), "rectified14/1")
    with pytest.raises(DataError, match=r"rectified14/1.*400x288.*590x288"):
        hamlyn.within(small)


def test_a_box_keeps_its_rows_and_columns() -> None:
    truth = truth_of(sample(plane(50)))
    rows, columns = torch.nonzero(Crop(2, 5, 10, 20)(truth)[0, 0], as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 4, 10, 19)


def test_visible_by_the_disparity_alone() -> None:
    """A near block, 12 px, before a wall, 6 px: it hides the 6 columns to its left."""
    depth = plane(50)  # 300 mm·px: 6 px
    depth[..., 30:40] = 25  # 12 px
    seen = visible(truth_of(sample(depth)))[0, 0]
    hidden = {x for x in range(WIDTH) if not seen[HEIGHT // 2, x]}
    assert set(range(6)) <= hidden  # falls outside the right view
    assert hidden - set(range(6)) <= set(range(24, 30))
    assert len(hidden - set(range(6))) >= 5  # one pixel of tolerance at the rim
    assert not seen[:, 24:29].any()


def test_visible_as_the_data_set_says() -> None:
    frame = sample(plane(50))
    frame["occluded"] = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.bool)
    frame["occluded"][:, :4] = True
    (protocol,) = load("serv_ct_visible")
    counts = protocol.within(truth_of(frame)).counts
    assert not counts[..., :4, :].any()
    assert counts[..., 4:, :].all()


def test_median_makes_a_scaled_prediction_perfect() -> None:
    true = torch.linspace(30, 140, 101).tolist()
    found = compared(load("median")[0], [0.37 * t for t in true], true)
    assert torch.allclose(found.depth_mm, found.truth.depth_mm.double(), rtol=1e-5)
    assert found.fit.scale == pytest.approx(1 / 0.37)


def test_an_aligned_score_of_a_disparity_needs_no_baseline() -> None:
    protocol = load("c3vd")[0]
    truth = protocol.within(of_depths(torch.linspace(20, 99, 200)))
    wavy = truth.depth_mm * (1 + 0.2 * torch.linspace(0, 9, 200).sin())
    disparity = predicted(wavy)
    expected = protocol.compare(disparity, truth)
    found = protocol.compare(disparity, truth._replace(rig=MONOCULAR))
    assert found is not None
    assert expected is not None
    torch.testing.assert_close(found.depth_mm, expected.depth_mm, rtol=1e-6, atol=0)
    assert found.disparity is None
    assert found.given is None
    with pytest.raises(DataError, match="no baseline is known"):
        load("unscaled")[0].compare(disparity, truth._replace(rig=MONOCULAR))


def test_without_scaling_a_prediction_stays_as_it_is() -> None:
    for name in ("unscaled", "m3depth"):
        found = compared(load(name)[0], [400.0, 10.0], [50.0, 50.0])
        assert found.depth_mm.flatten().tolist() == pytest.approx([400, 10])


def test_clips_after_scaling() -> None:
    protocol = Protocol("clipped", 20.0, 100.0, median, clip=True)
    found = compared(protocol, [1.0, 10.0, 90.0], [30.0, 50.0, 60.0])
    assert found.depth_mm.flatten().tolist() == pytest.approx([20, 50, 100])


def test_an_unknown_prediction_is_an_error_of_the_whole_depth_and_is_not_fitted_to() -> None:
    protocol = Protocol("aligned", 0.0, float("inf"), median)
    hole = torch.tensor([True, False, True, True]).expand(1, 1, 1, -1)
    truth = protocol.within(of_depths(torch.tensor([40.0, 50.0, 60.0, 80.0])))
    depth = torch.tensor([20.0, 1e3, 30.0, 40.0])
    found = protocol.compare(predicted(depth, hole), truth)
    assert found is not None
    assert found.fit.scale == pytest.approx(2)
    assert found.depth_mm.flatten().tolist() == pytest.approx([40, NEAREST_MM, 60, 80], rel=1e-5)
    assert found.depth_mm.log().isfinite().all()


@pytest.mark.parametrize(
    "given", [None, torch.ones(1, 1, 4, 8, dtype=torch.bool)], ids=["network", "file"]
)
def test_a_whole_map_is_resized_alike_however_it_says_that_it_is_whole(
    given: Tensor | None,
) -> None:
    """Files tell holes and networks do not; OpenCV's bilinear rule is the published one."""
    fraction = torch.rand(1, 1, 4, 8, dtype=torch.float64)
    found = as_map(fraction, given).resized((12, 20)).values[0, 0].numpy()
    assert found == pytest.approx(cv2.resize(fraction[0, 0].numpy(), (20, 12)), abs=1e-12)


def test_clipping_makes_no_answer_of_a_hole() -> None:
    protocol = Protocol("clipped", 25.0, 300.0, none, clip=True)
    truth = protocol.within(of_depths(torch.tensor([40.0, 50.0])))
    hole = torch.tensor([False, True]).expand(1, 1, 1, -1)
    found = protocol.compare(predicted(torch.tensor([40.0, 10.0]), hole), truth)
    assert found is not None
    assert found.depth_mm.flatten().tolist() == pytest.approx([NEAREST_MM, 25.0])


def test_a_map_with_holes_is_not_smeared_over_them() -> None:
    fraction = torch.tensor([[[[0.1, 0.0, 0.1, 0.1]]]])
    given = fraction > 0
    bigger = as_map(fraction, given).resized((1, 8))
    assert bigger.known is not None
    assert np.unique(bigger.values[bigger.known].numpy()) == pytest.approx([0.1])
    assert bigger.known.flatten().tolist() == [True] * 2 + [False] * 2 + [True] * 4
