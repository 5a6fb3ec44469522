import numpy as np
import pytest
import torch
from clips import Changed, clip
from torch.utils.data import ConcatDataset, Dataset

from m3depth.data.synthetic import SyntheticClip
from m3depth.errors import DataError
from m3depth.reconstruction.following import follow
from m3depth.reconstruction.looked_at import LookedAt
from m3depth.reconstruction.motion.exact import ExactMotion
from m3depth.types import StereoBatch


class Edited(Dataset[StereoBatch]):
    """Some frames in another order, or black."""

    def __init__(self, order: list[int], black: int | None = None) -> None:
        self.order, self.black = order, black

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> StereoBatch:
        sample = dict(clip()[self.order[index]])
        if index == self.black:
            sample["left"] = torch.zeros_like(sample["left"])
        return sample


def test_a_good_clip_is_taken_whole():
    frames = LookedAt.of(clip())
    assert not frames.left_out
    assert torch.equal(frames[3]["left"], clip()[3]["left"])


def test_black_and_repeated_frames_are_left_out_and_told_once(caplog: pytest.LogCaptureFixture):
    frames = LookedAt.of(Edited([0, 1, 2, 2, 3, 4, 5], black=5))
    followed = follow(frames, ExactMotion())
    assert [step.place for step in followed.steps] == [0, 1, 2, 4, 6]
    assert "shows the frame before once more" in followed.skipped["3"]
    assert "black" in followed.skipped["5"]
    lines = [record.message for record in caplog.records]
    assert sum("are black" in line for line in lines) == 1
    assert sum("show the frame before once more" in line for line in lines) == 1
    assert not any(line.startswith("skipped") for line in lines)


def test_a_cut_is_refused_with_the_way_out():
    other = SyntheticClip("test", 2, 4, (48, 64), deforming=False, tools=False)
    with pytest.raises(DataError, match=r"a new shot begins at frame 8 .*give count=8"):
        LookedAt.of(ConcatDataset([clip(), other]))


def test_a_broken_frame_is_no_cut():
    frames = LookedAt.of(Changed(clip(), broken=(2,)))
    assert len(follow(frames, ExactMotion()).steps) == 7


def test_what_is_outside_a_round_picture_is_not_used():
    y, x = np.mgrid[:48, :64]
    inside = torch.from_numpy(np.hypot(x - 31.5, y - 23.5) < 22)
    round_ones = [{**one, "left": one["left"] * inside} for one in clip()]

    class Round(Dataset[StereoBatch]):
        def __len__(self) -> int:
            return len(round_ones)

        def __getitem__(self, index: int) -> StereoBatch:
            return round_ones[index]

    ignore = LookedAt.of(Round())[0]["ignore"]
    assert ignore.shape == (1, 48, 64)
    assert ignore[0, 0, 0]
    assert not ignore[0, 24, 32]
    assert (ignore[0] == ~inside).float().mean() > 0.85


def test_a_camera_that_stands_still_is_said_and_a_slow_one_is_not(
    caplog: pytest.LogCaptureFixture,
):
    noise = torch.Generator().manual_seed(0)

    class Still(Edited):
        def __getitem__(self, index: int) -> StereoBatch:
            sample = super().__getitem__(index)
            left = sample["left"] + 0.01 * torch.randn(3, 48, 64, generator=noise)
            return {**sample, "left": left.clamp(0, 1), "key": f"still/{index}"}

    LookedAt.of(Still([0] * 6))
    assert [r.message for r in caplog.records if "do not move" in r.message] == [
        "6 of 6 frames, the first still/0, do not move: the camera stands still, and its path and "
        "the surface mean nothing; `m3depth predict` gives their depth"
    ]
    caplog.clear()
    LookedAt.of(clip())
    assert not caplog.records
