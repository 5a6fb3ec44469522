"""Clips of built-in frames: which frames they are made of, and what a sample holds."""

from functools import cache
from itertools import pairwise

import pytest
import torch
from torch.utils.data import ConcatDataset

from m3depth.data.augmentation import Augmentation
from m3depth.data.clips.clips import Clips
from m3depth.data.clips.flow import moved
from m3depth.data.clips.look import look_at
from m3depth.data.fields import Box, collate, cropped, mirrored, resized
from m3depth.data.own_size import single_frames
from m3depth.data.synthetic import SyntheticClips
from m3depth.data.synthetic.paths import Moving
from m3depth.errors import ConfigError
from m3depth.geometry.points import back_project, pixel_grid, project

SIZE = (64, 80)
FLOW_PX = (1.0, 10.0)


@cache
def frames(**more):
    options = {"deforming": False, "tools": False, "noise": False, "cache": False, "size": SIZE}
    return SyntheticClips("train", 2, 10, path=Moving(zoom=(0.3, 0.3)), **(options | more))


@cache
def clips(length=3):
    return Clips.of(frames(), length, FLOW_PX)


def test_each_frame_of_a_clip_is_the_first_that_has_moved_far_enough():
    seen = torch.ones(SIZE, dtype=torch.bool).numpy()

    def flow_px(a, b):
        one, other = (look_at(frames()[i]).views[0] for i in (a, b))
        return moved(one, other, seen).share * SIZE[1]

    assert len(clips()) > 8
    for clip in clips().clips:
        for a, b in pairwise(clip):
            assert FLOW_PX[0] <= flow_px(a, b) <= FLOW_PX[1]
            assert b == a + 1 or flow_px(a, b - 1) < FLOW_PX[0]


def test_no_clip_leaves_its_video():
    for clip in clips().clips:
        assert len({number // 10 for number in clip}) == 1
        assert clip == sorted(clip)


@pytest.mark.parametrize("length", [3, 5])
def test_a_sample_holds_its_frames_in_order_and_the_targets_key(length):
    for index in (0, 5):
        sample, clip = clips(length)[index], clips(length).clips[index]
        for place, number in enumerate(clip):
            frame = frames()[number]
            for name in ("left", "right", "camera_to_world", "depth_mm", "time_s"):
                assert torch.equal(sample[name][place], frame[name]), name
            assert [float(f[place]) for f in sample["rig"]] == [float(f) for f in frame["rig"]]
        assert sample["key"] == frames()[clip[length // 2]]["key"]


def test_clips_follow_each_other_along_a_shot():
    """A video is decoded onwards: the next clip begins with frames of the one before."""
    together = [one[1:] == other[:-1] for one, other in pairwise(clips().clips)]
    assert sum(together) > 0.6 * len(together)
    starts = [clip[0] for clip in clips().clips]
    assert len(set(starts)) == len(starts)


def test_the_single_frames_are_what_clips_are_made_of():
    assert single_frames(clips()) is frames()
    assert single_frames(frames()) is frames()


@pytest.mark.parametrize("wrong", [{"length": 4}, {"length": 1}, {"flow_px": (3, 2)}, {"reach": 0}])
def test_settings_that_cannot_be(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Clips.of(frames(), **wrong)


def batch(count=4):
    needs = ["left", "right", "camera_to_world", "depth_mm"]
    return collate([clips()[i] for i in range(count)], needs)


TARGET, LAST = 1, 2


def rig_of(one, place):
    return type(one["rig"])(*(field[:, place].double() for field in one["rig"]))


def points_in_last(one):
    """The target's points in the last frame's camera, by pose, (b, h·w, 3)."""
    points = back_project(*pixel_grid(one["depth_mm"][:, TARGET].double()), rig_of(one, TARGET))
    pose = one["camera_to_world"].double()
    motion = torch.linalg.inv(pose[:, LAST]) @ pose[:, TARGET]
    return points @ motion[:, :3, :3].mT + motion[:, None, :3, 3]


def carried(one):
    """Where the target's points are seen in the last frame, in pixels of it, (b, h, w, 2)."""
    size = one["depth_mm"].shape[-2:]
    return project(points_in_last(one), rig_of(one, LAST)).unflatten(1, size)


def test_a_crop_commutes_with_projection():
    part = carried(cropped(batch(), Box(top=8, left=16, height=40, width=48)))
    whole = carried(batch())[:, 8:48, 16:64] - torch.tensor([16.0, 8.0]).double()
    torch.testing.assert_close(part, whole, atol=1e-6, rtol=0)


def test_a_resize_commutes_with_projection():
    half = resized(batch(), (SIZE[0] // 2, SIZE[1] // 2))
    seen = project(points_in_last(batch()), rig_of(half, LAST))
    whole = carried(batch()).flatten(1, 2)
    torch.testing.assert_close(seen, (whole + 0.5) / 2 - 0.5, atol=1e-6, rtol=0)
    assert half["left"].shape == (4, 3, 3, SIZE[0] // 2, SIZE[1] // 2)


def test_a_mirror_of_one_view_commutes_with_projection():
    """Its principal point is off the middle, and not the other camera's."""
    one = cropped(batch(), Box(top=0, left=16, height=64, width=56))
    one.pop("right")
    one["rig"] = one["rig"]._replace(cx_right=one["rig"].cx - 3)
    other = mirrored(one, torch.ones(4, dtype=torch.bool))
    whole = carried(one)
    expected = torch.stack([56 - 1 - whole[..., 0], whole[..., 1]], -1).flip(2)
    torch.testing.assert_close(carried(other), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(other["rig"].principal_offset, one["rig"].principal_offset)


def test_a_mirror_swaps_the_views_of_every_frame_and_moves_its_poses_to_the_other_eye():
    one = batch()
    other = mirrored(one, torch.tensor([True, False, True, False]))
    assert torch.equal(other["left"][0], one["right"][0].flip(-1))
    assert torch.equal(other["left"][1], one["left"][1])
    # twice is the same again, poses and all
    again = mirrored(other, torch.tensor([True, False, True, False]))
    torch.testing.assert_close(again["camera_to_world"], one["camera_to_world"])
    for mine, its in zip(again["rig"], one["rig"], strict=True):
        torch.testing.assert_close(mine, its)


def test_one_colour_draw_for_a_clip_and_another_for_the_next():
    grey = {**batch(), "left": torch.full((4, 3, 3, *SIZE), 0.4)}
    clean, seen = Augmentation(mirror=0, recolour=1)(grey)
    assert torch.equal(clean["left"], grey["left"])
    first = seen[:, :1].expand_as(seen)
    assert torch.equal(seen, first)
    assert len({tuple(clip[0, :, 0, 0].tolist()) for clip in seen}) == 4


def test_joined_sets_of_clips_are_looked_at_frame_by_frame_too():
    singly = single_frames(ConcatDataset([clips(), clips(5)]))
    assert len(singly) == 2 * len(single_frames(clips()))
    assert all(singly[index]["left"].ndim == 3 for index in (0, len(singly) - 1))
