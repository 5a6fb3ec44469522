"""What is wrong with a video is found, said once with its count, and left out."""

import logging

import pytest
import torch
from faulty_videos import (
    COUNT,
    FLOW_PX,
    SIZE,
    Video,
    changed,
    interlaced,
    larger,
    noisy,
    pictures,
    round_picture,
)

from m3depth.data.clips.clips import Clips
from m3depth.data.clips.survey import Next, State
from m3depth.data.ignore import BlackBorder
from m3depth.errors import DataError
from m3depth.log import warn_once


@pytest.fixture(autouse=True)
def _said_anew():
    warn_once.cache_clear()


def made(frames, caplog, **more):
    """The clips, and what was said about them."""
    return made_of(Video(frames), caplog, **more)


def made_of(video, caplog, **more):
    caplog.set_level(logging.WARNING, logger="m3depth")
    clips = Clips.of(video, flow_px=FLOW_PX, **more)
    return clips, [record.message for record in caplog.records]


def used(clips):
    return {number for clip in clips.clips for number in clip}


def test_nothing_is_said_of_a_good_video(caplog):
    clips, said = made(pictures(), caplog)
    assert said == []
    assert used(clips) == set(range(COUNT))


def test_no_clip_goes_across_a_cut(caplog):
    clips, said = made(pictures(0) + pictures(1), caplog)
    assert said == [
        "1 of 24 frames, the first video/012, begin a new shot; no clip goes across a cut"
    ]
    assert all((min(clip) < COUNT) == (max(clip) < COUNT) for clip in clips.clips)
    assert used(clips) == set(range(2 * COUNT))


def test_black_frames_are_left_out_and_neighbours_are_found_beyond(caplog):
    clips, said = made(changed([4, 5], lambda one: 0.02 * one), caplog)
    assert said == ["2 of 12 frames, the first video/004, are black; left out"]
    assert used(clips) == set(range(COUNT)) - {4, 5}
    assert any(min(clip) < 4 and max(clip) > 5 for clip in clips.clips)


def test_interlaced_frames_are_left_out(caplog):
    one = pictures()
    frames = [*one[:4], interlaced(one[4], one[10]), *one[5:]]
    clips, said = made(frames, caplog)
    assert len(said) == 1
    assert "1 of 12 frames, the first video/004, are interlaced" in said[0]
    assert "bwdif" in said[0]
    assert used(clips) == set(range(COUNT)) - {4}


def test_repeated_frames_are_left_out(caplog):
    """As from 12 to 24 frames per second: each is there twice, the second a little recoded."""
    twice = [one + shift for one in pictures() for shift in (0.0, 0.001)]
    clips, said = made(twice, caplog)
    assert said == [
        "12 of 24 frames, the first video/001, show the frame before once more; left out"
    ]
    assert used(clips) == set(range(0, 24, 2))


def test_a_picture_that_changes_its_size_begins_anew(caplog):
    frames = [*pictures()[:6], *map(larger, pictures()[6:])]
    clips, said = made(frames, caplog)
    assert said == [
        "1 of 12 frames, the first video/006, change the picture's size; no clip goes across"
    ]
    assert {max(clip) < 6 for clip in clips.clips} == {True, False}
    assert all((min(clip) < 6) == (max(clip) < 6) for clip in clips.clips)


def test_a_shot_that_is_too_short_is_left_out(caplog):
    clips, said = made(pictures(1)[:2] + pictures(0), caplog)
    assert said == [
        "1 of 14 frames, the first video/002, begin a new shot; no clip goes across a cut",
        "2 of 14 frames, the first video/000, are in a shot of less than 3 frames that move far "
        "enough; left out",
    ]
    assert used(clips) == set(range(2, 14))


def test_frames_that_cannot_be_read_are_left_out_with_the_reason(caplog):
    clips, said = made([None if n == 3 else one for n, one in enumerate(pictures())], caplog)
    assert len(said) == 1
    assert "1 of 12 frames" in said[0]
    assert "video, frame 3: no such file" in said[0]
    assert used(clips) == set(range(COUNT)) - {3}


def test_where_the_camera_stands_still_there_are_no_clips(caplog):
    stands = [noisy(pictures()[-1], seed) for seed in range(20)]
    clips, said = made(pictures() + stands, caplog, reach=4)
    assert len(said) == 1
    assert "do not move by 1 px within 4 frames" in said[0]
    assert max(used(clips)) <= COUNT
    assert (clips.found.next[COUNT : COUNT + 16] == Next.STILL).all()


def test_a_camera_that_is_too_fast_is_left_out(caplog):
    frames = [pictures()[n] for n in (0, 1, 2, 3, 4, 11)]
    caplog.set_level(logging.WARNING, logger="m3depth")
    clips = Clips.of(Video(frames), flow_px=(1.0, 3.0))
    assert clips.found.next[4] == Next.FAST
    assert any("move by more than 3 px to the next" in record.message for record in caplog.records)
    assert 5 not in used(clips)


def test_the_border_of_a_round_picture_is_ignored_in_every_frame(caplog):
    clips, said = made([round_picture(one) for one in pictures()], caplog)
    assert len(said) == 1
    assert "12 of 12 frames, the first video/000, have a black border" in said[0]
    sample = clips[0]
    assert sample["ignore"].shape == (3, 1, *SIZE)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 80), indexing="ij")
    far = (x**2 + y**2).sqrt()
    assert sample["ignore"][:, :, far > 1.05].all()
    assert not sample["ignore"][:, :, far < 0.9].any()
    assert BlackBorder()({"left": sample["left"], "key": ""}).shape == (3, 1, *SIZE)


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        (lambda: pictures()[:2], "2 of 2 frames.* are in a shot of less than 3"),
        (lambda: [noisy(pictures()[0], seed) for seed in range(6)], "6 of 6 frames.* do not move"),
        (lambda: [0 * one for one in pictures()], "12 of 12 frames.* are black"),
        (lambda: [pictures()[0]] * 9, "8 of 9 frames.* show the frame before once more"),
        (lambda: [pictures(n)[0] for n in range(4)], "3 of 4 frames.* begin a new shot"),
    ],
    ids=["two frames", "still", "black", "one picture", "only cuts"],
)
def test_a_video_without_a_clip_is_refused_and_says_why(frames, why):
    with pytest.raises(DataError, match=f"no clip of 3 frames: .*{why}"):
        Clips.of(Video(frames()), flow_px=FLOW_PX)


def test_a_frame_is_never_replaced_by_another():
    """A frame that goes missing later is an error that the loader skips, not another picture."""
    video = Video(pictures())
    clips = Clips.of(video, flow_px=FLOW_PX)
    assert clips.found.state[3] == State.GOOD
    video.pictures = [None if n == 3 else one for n, one in enumerate(video.pictures)]
    which = next(index for index, clip in enumerate(clips.clips) if 3 in clip)
    with pytest.raises(DataError, match="frame 3: no such file"):
        clips[which]


def test_a_gap_in_the_numbering_is_said_and_bridged(caplog):
    video = Video(pictures())
    video.pictures, numbers = video.pictures[:5] + video.pictures[7:], [*range(5), *range(7, COUNT)]

    class Numbered(Video):
        def __getitem__(self, index):
            return {**super().__getitem__(index), "key": f"video/{2 * numbers[index]:03d}"}

    clips, said = made_of(Numbered(video.pictures), caplog)
    assert [line.partition(";")[0] for line in said] == [
        "1 of 10 frames, the first video/014, follow a gap in the numbering"
    ]
    assert any(min(clip) < 5 <= max(clip) for clip in clips.clips)
