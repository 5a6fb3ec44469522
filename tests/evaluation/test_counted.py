"""What a protocol counts, of how much, and why not the rest."""

import csv
import json
from pathlib import Path

import pytest
import torch
from fake_sources import by_network
from protocol_files import load
from stereo_fakes import HEIGHT, WIDTH, Frames, plane, sample, says

from m3depth.errors import DataError
from m3depth.evaluation.alignment import none
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.pixels import Crop
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.result import Evaluation, Result
from m3depth.evaluation.result_files import write_record
from m3depth.types import StereoBatch

PLAIN = Protocol("plain", 0.0, float("inf"), none)
CAPPED = Protocol("capped", 25.0, 300.0, none)
PIXELS = HEIGHT * WIDTH


def run(
    *frames: StereoBatch | DataError, protocols: tuple[Protocol, ...] = (CAPPED,)
) -> Evaluation:
    read = [frame for frame in frames if not isinstance(frame, DataError)]
    return evaluate(by_network(says(*read, scale=1.1)), Frames(*frames), protocols)


def one(*frames: StereoBatch | DataError, protocol: Protocol = CAPPED) -> Result:
    return run(*frames, protocols=(protocol,)).first


def test_half_of_the_frames_out_of_range_are_no_frames_and_the_reason_is_told() -> None:
    """Five of ten maps in mm * 256 gave the mean of five and "frames": 10."""
    near = [sample(plane(50), seed) for seed in range(5)]
    far = [sample(plane(50 * 256), seed) for seed in range(5, 10)]
    result = one(*near, *far)
    assert (result.frames, result.frames_of) == (5, 10)
    assert result.frames_left_out == {"no true depth within 25 to 300 mm": 5}
    assert result.metrics["mae_mm"] == pytest.approx(5, abs=1e-3)
    assert result.valid_pixels == 5 * PIXELS
    assert result.counted == (
        "5 of 10 frames (5: no true depth within 25 to 300 mm), 10,240 of 20,480 pixels "
        "(10,240: out of range)"
    )


def test_every_reason_of_a_frame() -> None:
    unknown, masked, sparse, outside = (sample(plane(50), seed) for seed in range(1, 5))
    unknown["depth_mm"] = torch.zeros_like(unknown["depth_mm"])
    masked["mask"] = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.bool)
    sparse["depth_mm"][:, 3:] = 0  # 9.4 % left
    outside["depth_mm"][..., :20] = 0
    box = Crop(0, HEIGHT, 0, 20)
    protocol = Protocol("all", 25.0, 300.0, none, only=[box], min_coverage=0.1)
    frames = (sample(plane(50)), unknown, masked, sparse, outside, DataError("broken"))
    result = one(*frames, protocol=protocol)
    assert [(left.position, left.why) for left in result.left_out] == [
        (1, "no true depth"),
        (2, "all of its true depth is masked out"),
        (3, "less than 10% of its true depth known"),
        (4, "no true depth inside the crop"),
        (5, "cannot be read"),
    ]
    assert (result.frames, result.frames_of) == (1, 6)
    assert result.sparse == ["fake/000003"]


def test_every_reason_of_a_pixel_and_they_add_up() -> None:
    frame = sample(plane(50))
    frame["depth_mm"][:, 0] = 0
    frame["depth_mm"][:, 1] = 1000
    frame["mask"] = torch.ones(1, HEIGHT, WIDTH, dtype=torch.bool)
    frame["mask"][:, 2:4] = False
    result = one(frame, protocol=Protocol("all", 25.0, 300.0, none, only=[Crop(0, 30, 0, WIDTH)]))
    assert result.pixels_left_out == {
        "no true depth": WIDTH,
        "masked out": 2 * WIDTH,
        "out of range": WIDTH,
        "outside the crop": 2 * WIDTH,
    }
    assert result.valid_pixels + sum(result.pixels_left_out.values()) == PIXELS


def test_what_is_known_beyond_the_range_counts_for_coverage_as_released() -> None:
    """M3Depth's test asks for a tenth of known pixels, and looks at the range afterwards."""
    frame = sample(plane(50))
    frame["depth_mm"][:, 2:] = 400  # in range: 2 of 32 rows
    (protocol,) = load("m3depth")
    result = one(frame, protocol=protocol)
    assert (result.frames, result.valid_pixels) == (1, 2 * WIDTH)
    frame["depth_mm"][:, 3:] = 0  # now known: 3 of 32 rows
    with pytest.raises(DataError, match=r"m3depth counts 0 of 1 frames \(1: less than 10%"):
        one(frame, protocol=protocol)


def test_a_protocol_that_counts_nothing_says_why_and_one_that_does_is_still_told() -> None:
    frames = [sample(plane(400), seed) for seed in range(2)]
    evaluation = run(*frames, protocols=(PLAIN, CAPPED))
    blank = evaluation.results[1]
    assert (blank.frames, blank.metrics) == (0, {})
    assert blank.counted.startswith("0 of 2 frames (2: no true depth within 25 to 300 mm)")
    with pytest.raises(DataError, match=r"capped counts 0 of 2 frames .*give plain first"):
        run(*frames, protocols=(CAPPED, PLAIN))


def test_the_files_say_it(tmp_path: Path) -> None:
    far = sample(plane(400), 1)
    evaluation = run(sample(plane(50)), far, DataError("broken"))
    write_record(tmp_path, evaluation, data="fake", source={}, config={})
    record = json.loads((tmp_path / "metrics.json").read_text())
    assert (record["frames"], record["frames_of"]) == (1, 3)
    assert record["left_out"] == {"no true depth within 25 to 300 mm": 1, "cannot be read": 1}
    assert (record["valid_pixels"], record["pixels_of"]) == (PIXELS, 2 * PIXELS)
    assert record["pixels_left_out"] == {"out of range": PIXELS}
    with (tmp_path / "per_frame.csv").open(newline="") as file:
        counted, out, unread = csv.DictReader(file)
    assert (counted["frame"], counted["left_out"]) == ("fake/000000", "")
    assert (out["frame"], out["left_out"]) == ("fake/000001", "no true depth within 25 to 300 mm")
    assert (out["mae_mm"], out["pixels_of"]) == ("", str(PIXELS))
    assert (unread["frame"], unread["left_out"]) == ("frame 2", "cannot be read")


def test_without_any_truth_every_view_counts() -> None:
    frames = [sample(plane(50), seed) for seed in range(2)]
    for frame in frames:
        frame["depth_mm"] = torch.zeros_like(frame["depth_mm"])
    result = one(*frames)
    assert (result.frames, result.frames_of) == (2, 2)
    assert set(result.metrics) == {"ssim", "psnr"}
    assert result.counted == "all 2 frames, 0 of 4,096 pixels (4,096: no true depth)"
