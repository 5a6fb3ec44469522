"""The scores by hand: in float, unscaled and scaled, nothing left out in silence."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_scenes import a_clip, changed

from m3depth.errors import DataError
from m3depth.report.splat_page import write_splat_report
from m3depth.splatting.scene.clip import Clip, ClipFrame
from m3depth.splatting.scores import RenderedView, scored, true_frames


def flat(depth_mm: float, use: torch.Tensor | None = None) -> ClipFrame:
    use = torch.ones(1, 16, 16, dtype=torch.bool) if use is None else use
    grey, depth = torch.full((3, 16, 16), 0.5), torch.full((1, 16, 16), depth_mm)
    return ClipFrame("a", grey, depth, use, torch.eye(3), torch.eye(4))


def view(depth_mm: torch.Tensor, frame: ClipFrame, truth: ClipFrame | None) -> RenderedView:
    return RenderedView(frame, truth, frame.image + 0.1, depth_mm)


def test_errors_of_more_than_a_byte_are_what_they_are():
    record = scored([view(torch.full((1, 16, 16), 400.0), flat(100.0), flat(100.0))])
    assert record["metrics"]["mae_mm"] == pytest.approx(300)
    assert record["metrics"]["rmse_mm"] == pytest.approx(300)
    assert record["metrics"]["psnr"] == pytest.approx(20, abs=1e-3)
    assert record["median_scaled"]["mae_mm"] == pytest.approx(0, abs=1e-4)


def test_a_pixel_where_nothing_is_drawn_counts_with_its_whole_depth():
    depth_mm = torch.full((1, 16, 16), 60.0)
    depth_mm[:, :8] = 0
    assert scored([view(depth_mm, flat(60.0), flat(60.0))])["metrics"]["mae_mm"] == 30


def test_tools_do_not_count_and_the_truths_mask_has_the_last_word():
    use = torch.ones(1, 16, 16, dtype=torch.bool)
    use[:, :8] = False
    depth_mm = torch.full((1, 16, 16), 60.0)
    depth_mm[:, :8] = 7
    record = scored([view(depth_mm, flat(60.0), flat(60.0, use))])
    assert record["metrics"]["mae_mm"] == 0
    assert record["valid_pixels"] == 128


def test_the_prior_is_scored_where_it_has_a_depth():
    prior = flat(66.0)
    prior.depth_mm[:, :4] = 0
    record = scored([view(torch.full((1, 16, 16), 60.0), prior, flat(60.0))])
    assert record["baselines"]["prior"]["mae_mm"] == 6
    assert record["baselines"]["prior"]["density"] == 0.75
    assert record["agreement"]["mae_mm"] == 6
    assert record["metrics"]["mae_mm"] == 0


def test_without_a_truth_there_is_no_error_of_depth():
    record = scored([view(torch.full((1, 16, 16), 60.0), flat(60.0), None)])
    assert record["metrics"].keys() == {"psnr", "ssim"}
    assert "median_scaled" not in record
    assert "baselines" not in record


def test_a_truth_of_other_frames_or_another_size_is_refused():
    clip = a_clip()
    with pytest.raises(DataError, match="truth: no frame"):
        true_frames(clip, Clip(clip.frames[2:]), clip.held_out)
    small = changed(clip, lambda frame: frame._replace(image=frame.image[:, :40]))
    with pytest.raises(DataError, match="64x40, the scene's is 64x48"):
        true_frames(clip, small, clip.held_out)
    assert true_frames(clip, None, clip.held_out) == {}
    assert true_frames(clip, clip, clip.held_out).keys() == set(clip.held_out)


def test_a_truth_that_shows_something_else_is_refused():
    """Names are numbers: another clip's are the same."""
    clip = a_clip()
    other = changed(clip, lambda frame: frame._replace(image=1 - frame.image))
    with pytest.raises(DataError, match=r"truth: .* is not the scene's picture"):
        true_frames(clip, other, clip.held_out)
    zoomed = changed(clip, lambda frame: frame._replace(intrinsics=frame.intrinsics * 1.1))
    with pytest.raises(DataError, match=r"truth: .* is not the scene's picture"):
        true_frames(clip, zoomed, clip.held_out)


def test_a_truth_without_a_depth_where_the_scores_are_is_refused():
    clip = a_clip()
    empty = changed(clip, lambda frame: frame._replace(depth_mm=0 * frame.depth_mm))
    with pytest.raises(DataError, match=r"truth: .*: no tissue of a known depth in any frame"):
        true_frames(clip, empty, clip.held_out)


def test_a_prediction_as_the_truth_is_told(caplog: pytest.LogCaptureFixture):
    clip = a_clip()
    true_frames(clip, replace(clip, source="the data's own depth"), clip.held_out)
    assert not caplog.text
    true_frames(clip, replace(clip, source="stereo matching"), clip.held_out)
    assert "truth: its depth is of stereo matching, not the data's own" in caplog.text


def test_a_mean_over_fewer_frames_says_of_how_many(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    hidden, drawn = (
        flat(60.0, torch.zeros(1, 16, 16, dtype=torch.bool)),
        torch.full((1, 16, 16), 64.0),
    )
    unknown = flat(0.0)
    found = [
        view(drawn, flat(60.0), flat(60.0)),
        view(drawn, flat(60.0), unknown),
        view(drawn, hidden, hidden),
    ]
    record = scored(found)
    assert (record["frames"], record["counted"]) == (3, {"pictures": 2, "depth": 1})
    assert record["metrics"]["mae_mm"] == 4
    assert "the scores of pictures are of 2 of 3 held-out frames" in caplog.text
    assert "the scores of depth are of 1 of 3 held-out frames" in caplog.text
    told = record | {"gaussians": 1, "iterations": 1, "seconds": 1.0, "scene_edited": ["a.png"]}
    write_splat_report(tmp_path / "report.html", "t", told, found, {"loss": ([1.0], [1.0])}, {})
    page = (tmp_path / "report.html").read_text()
    assert "Depth: of 1 of 3 frames. Files of the scene were changed since" in page


@pytest.mark.parametrize(
    ("row", "column", "by"), [(0, 3, 1.0), (2, 3, -0.6), (0, 1, 0.01)], ids=["x", "z", "turned"]
)
def test_a_truth_whose_camera_moves_otherwise_is_told_of(
    row: int, column: int, by: float, caplog: pytest.LogCaptureFixture
):
    clip = a_clip()
    poses = [frame.camera_to_world.clone() for frame in clip.frames]
    poses[2][row, column] += by
    other = Clip(
        tuple(f._replace(camera_to_world=p) for f, p in zip(clip.frames, poses, strict=True))
    )
    told = f"truth: from {clip.frames[0].key} to {clip.frames[2].key} its camera does not move as"
    assert true_frames(clip, other, clip.held_out)
    assert told in caplog.text


def test_a_truth_may_have_its_world_elsewhere(caplog: pytest.LogCaptureFixture):
    clip = a_clip()
    world = torch.tensor([[0, 0, 1, 40.0], [0, 1, 0, -7.0], [-1, 0, 0, 3.0], [0, 0, 0, 1]])
    moved = changed(clip, lambda f: f._replace(camera_to_world=world @ f.camera_to_world))
    assert true_frames(clip, moved, clip.held_out)
    assert not caplog.text


def test_a_frame_under_a_tool_has_no_scores_and_its_page_says_none(tmp_path: Path):
    hidden = flat(60.0, torch.zeros(1, 16, 16, dtype=torch.bool))
    found = [view(torch.full((1, 16, 16), 60.0), hidden, None)]
    record = scored(found) | {"gaussians": 1, "iterations": 1, "seconds": 1.0}
    assert record["metrics"] == {}
    write_splat_report(tmp_path / "report.html", "t", record, found, {"loss": ([1.0], [1.0])}, {})
    assert "peak signal-to-noise" not in (tmp_path / "report.html").read_text()
