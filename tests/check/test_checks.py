"""Every finding on sets made for it, and its absence on the healthy set."""

import time

import numpy as np
import pytest
import torch
from check_fakes import Samples, codes, errors, findings, mono, noise
from pair_breakages import (
    Changed,
    cropped_apart,
    darker,
    distorted,
    lowered,
    redder,
    same_view,
    swapped,
    truth_moved,
    uncalibrated,
    unit,
    without_truth,
)
from torch.utils.data import Dataset, Subset

from m3depth.check.finding import Severity
from m3depth.check.measuring.sampler import Sampler
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import DataError, EightBitDepthError
from m3depth.types import StereoBatch

SIZE = (128, 160)


@pytest.fixture(scope="module")
def pairs() -> SyntheticPairs:
    return SyntheticPairs("test", 8, SIZE, endoscope=None, seed=3)


def test_a_healthy_set_has_no_finding(pairs: SyntheticPairs):
    assert findings(pairs) == []
    assert findings(Changed(pairs, uncalibrated)) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (darker, "exposure_difference"),
        (redder, "colour_difference"),
        (lambda s: darker(s, 1.4), "exposure_difference"),
    ],
)
def test_views_of_other_light_are_a_warning(pairs: SyntheticPairs, change: object, code: str):
    found = findings(Changed(pairs, change))
    assert code in codes(found, Severity.WARNING)
    assert not errors(found)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda s: uncalibrated(swapped(s)), "swapped_views"),
        (lambda s: without_truth(swapped(s)), "swapped_views"),
        (lambda s: lowered(uncalibrated(s), 3), "vertical_offset"),
        (lambda s: unit(s, 10), "baseline_unit"),
        (lambda s: without_truth(unit(s, 0.001)), "baseline_unit"),
        (lambda s: cropped_apart(s, 0.04), "principal_offset"),
        (lambda s: truth_moved(s, 12, 0), "truth_misplaced"),
        (same_view, "same_view"),
        (lambda s: s | {"depth_mm": s["depth_mm"] * torch.eye(*SIZE)}, "truth_sparse"),
    ],
)
def test_one_cause_gives_one_error(pairs: SyntheticPairs, change: object, code: str):
    found = findings(Changed(pairs, change))
    assert errors(found) == {code}
    one = next(f for f in found if f.code == code)
    assert len(one.frames) >= 6
    assert one.mend


def test_one_bad_pair_in_a_good_set_is_named(pairs: SyntheticPairs):
    for change, code in ((swapped, "swapped_views"), (lowered, "vertical_offset")):
        found = findings(Changed(pairs, change, only=(5,)))
        assert errors(found) == {code}
        assert [f.frames for f in found] == [(pairs[5]["key"],)]


def test_distortion_left_in(pairs: SyntheticPairs):
    large = SyntheticPairs("test", 1, (384, 512), endoscope=None, seed=3)
    assert "distortion" in codes(findings(Changed(large, distorted)))
    assert findings(large) == []


def test_wrong_offset_of_the_rig_without_truth(pairs: SyntheticPairs):
    def beyond(sample: StereoBatch) -> StereoBatch:
        rig = sample["rig"]
        middle = 0.06 * SIZE[1]
        return without_truth(sample) | {"rig": rig._replace(cx_right=rig.cx_right - middle)}

    assert "principal_offset" in errors(findings(Changed(pairs, beyond)))


def test_unreadable_frames_are_counted_and_the_first_is_told(pairs: SyntheticPairs):
    broken = DataError("left/3.png: truncated")
    found = findings(Samples([pairs[0], broken, pairs[1], broken]))
    assert errors(found) == {"unreadable_frames"}
    assert "2 of 4" in found[0].said
    assert "left/3.png: truncated" in found[0].said


def test_a_set_of_which_nothing_can_be_read_is_no_crash():
    found = findings(Samples([DataError("a.png: empty file")] * 3))
    assert errors(found) == {"unreadable_frames"}


def test_8_bit_depth_files_have_their_own_code(pairs: SyntheticPairs):
    found = findings(Samples([pairs[0], EightBitDepthError("depth/3.png: 8-bit")]))
    assert errors(found) == {"truth_8bit"}


def test_whole_millimetres_beyond_a_byte_are_a_warning(pairs: SyntheticPairs):
    def coarse(sample: StereoBatch) -> StereoBatch:
        depth = sample["depth_mm"].round()
        depth[..., :2] = 300
        return sample | {"depth_mm": depth}

    found = findings(Changed(pairs, coarse))
    assert codes(found, Severity.WARNING) == {"truth_8bit"}
    assert not errors(found)


def test_views_that_have_nothing_in_common(pairs: SyntheticPairs):
    def strange(sample: StereoBatch) -> StereoBatch:
        return uncalibrated(sample) | {"right": noise(7, SIZE)}

    assert codes(findings(Changed(pairs, strange))) >= {"few_matches"}


def test_a_black_border_and_an_overlay_are_measured():
    samples = [mono(i, f"video/{i}") for i in range(8)]
    assert findings(Samples(samples)) == []
    for sample in samples:
        sample["left"][:, :, :8] = 0
        sample["left"][:, 20:28, 40:50] = torch.tensor([1.0, 0.9, 0.2])[:, None, None]
    found = {f.code: f for f in findings(Samples(samples))}
    assert set(found) == {"black_borders", "overlay"}
    assert found["black_borders"].evidence["share"] == pytest.approx(8 / 80, abs=0.01)
    assert found["overlay"].evidence["share"] == pytest.approx(80 / 4800, abs=0.005)


def test_frozen_frames_are_found_though_few_frames_are_read():
    samples = [mono(i // 2, f"video/{i}") for i in range(60)]
    assert codes(findings(Samples(samples), frames=6)) == {"duplicate_frames"}
    distinct = [mono(i, f"video/{i}") for i in range(60)]
    assert findings(Samples(distinct), frames=6) == []


def test_a_view_that_stands_still_while_the_other_moves(pairs: SyntheticPairs):
    samples = [uncalibrated(dict(pairs[i])) | {"key": f"video/{i}"} for i in range(8)]
    still = [sample | {"right": samples[0]["right"]} for sample in samples]
    assert "frozen_view" in errors(findings(Samples(still)))


def test_one_picture_in_training_and_test():
    train = Samples([mono(i, f"a/{i}") for i in range(6)])
    apart = Samples([mono(100 + i, f"b/{i}") for i in range(6)])
    assert findings({"test": apart, "train": train}) == []
    assert codes(findings({"test": train, "train": train})) == {"test_is_training"}
    near = mono(3, "c/0")
    near["left"] = (near["left"] * 0.9 + 0.02 * noise(50)).clamp(0, 1)
    found = findings({"test": Samples([near]), "train": train})
    assert errors(found) == {"near_duplicates"}
    assert "c/0 like a/3" in found[0].said
    shared = Samples([mono(100 + i, f"a/{100 + i}") for i in range(6)])
    assert codes(findings({"test": shared, "train": train})) == {"shared_video"}


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("dataset_4/keyframe_2/000123", True),
        ("SCARED/dataset5/keyframe1/7", True),
        ("dataset_3/keyframe_4/000004", False),
        ("dataset_14/keyframe_4/000004", False),
        ("dataset_4/000004", False),
    ],
)
def test_scareds_bad_sets_are_known_by_their_keys(key: str, bad: bool):
    assert errors(findings(Samples([mono(1, key)]))) == ({"scared_known_bad"} if bad else set())


class Slow(Dataset[StereoBatch]):
    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> StereoBatch:
        self.read.append(index)
        time.sleep(0.05)
        return mono(index, f"video/{index}")


def test_the_time_is_kept_and_every_split_is_looked_at():
    splits = {"test": Slow(), "train": Slow()}
    start = time.monotonic()
    sampled = Sampler(frames=10_000, seconds=0.5, neighbours=0)(splits)
    assert time.monotonic() - start < 5
    assert all(len(keys) >= 1 for keys in sampled.keys.values())
    assert len(sampled.frames) < 100
    nothing = Sampler(frames=10, seconds=0.0, neighbours=0)(splits)
    assert [len(keys) for keys in nothing.keys.values()] == [1, 1]


def test_the_sample_is_spread_evenly_and_seeded():
    slow = Slow()
    Sampler(frames=4, neighbours=0)({"train": slow})
    assert [index // 250_000 for index in sorted(slow.read)] == [0, 1, 2, 3]
    again = Slow()
    Sampler(frames=4, neighbours=0)({"train": again})
    assert again.read == slow.read
    assert np.any(np.diff(slow.read) < 0)  # a stop in the middle leaves no half unseen


def test_a_frame_in_several_splits_is_measured_once(pairs: SyntheticPairs):
    part = Subset(pairs, [0, 1])
    sampled = Sampler(neighbours=0)({"test": part, "train": Changed(part, without_truth)})
    assert len(sampled.frames) == 2
    assert all(frame.depth_mm is not None for frame in sampled.frames)
