"""The table of fields: whatever is done to a batch, its fields still belong together."""

import pytest
import torch
from torch import Tensor

from m3depth.data.fields import FIELDS, Box, Field, collate, cropped, mirrored, resized
from m3depth.errors import DataError
from m3depth.types import DepthLabel, DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig

HEIGHT, WIDTH = 12, 24
POINT = torch.tensor([3.0, -2.0, 60.0])  # mm, in the world


def turned(angle: float) -> Tensor:
    """A camera that looks aside and stands apart."""
    pose = torch.eye(4)
    cosine, sine = torch.cos(torch.tensor(angle)), torch.sin(torch.tensor(angle))
    pose[0, 0], pose[0, 2], pose[2, 0], pose[2, 2] = cosine, sine, -sine, cosine
    pose[:3, 3] = torch.tensor([1.0, 2.0, -3.0])
    return pose


DECLARED = frozenset(FIELDS)


def sample(stereo: bool = True) -> StereoBatch:
    """Every field that is declared; images hold their own columns, so that a move can be seen."""
    columns = torch.arange(WIDTH).expand(HEIGHT, WIDTH)[None] / WIDTH
    left_half = columns < 0.5
    whole = {
        "left": columns.expand(3, -1, -1),
        "right": 1 - columns.expand(3, -1, -1),
        "rig": StereoRig.of(20.0, 21.0, 10.0, 6.0, 9.0 if stereo else 10.0, 4.0 if stereo else 0.0),
        "key": "clip/000001",
        "skipped": "",
        "time_s": torch.tensor(0.5),
        "tool": left_half,
        "tool_right": ~left_half,
        "ignore": torch.cat([left_half, ~left_half][: 1 + stereo]),
        "camera_to_world": turned(0.1),
        "depth_mm": 50 + columns,
        "depth_label": DepthLabel.of(DepthMap((50 + columns)[None], Kind.DEPTH)).sample(),
        "occluded": left_half,
        "mask": ~left_half,
    }
    assert whole.keys() == DECLARED, "a new field belongs into this sample"
    if not stereo:
        del whole["right"], whole["tool_right"]
    return whole


def batch(stereo: bool = True) -> StereoBatch:
    return collate([sample(stereo), sample(stereo)], needs={"left"}, labels=True)


def seen_at(one: StereoBatch, point: Tensor, view: str = "left") -> Tensor:
    """Pixel at which the first sample's camera sees a point of the world."""
    rig = one["rig"]
    x, y, z, _ = torch.linalg.inv(one["camera_to_world"][0]) @ torch.cat([point, torch.ones(1)])
    aside, cx = (rig.baseline_mm[0], rig.cx_right[0]) if view == "right" else (0.0, rig.cx[0])
    return torch.stack([rig.fx[0] * (x - aside) / z + cx, rig.fy[0] * y / z + rig.cy[0]])


def test_a_resize_commutes_with_projection():
    before, after = batch(), resized(batch(), (6, 8))
    scale = torch.tensor([8 / WIDTH, 6 / HEIGHT])
    for view in ("left", "right"):
        expected = (seen_at(before, POINT, view) + 0.5) * scale - 0.5
        torch.testing.assert_close(seen_at(after, POINT, view), expected)
    for name in ("left", "right", "tool", "tool_right", "ignore"):
        assert after[name].shape[-2:] == (6, 8)
        assert after[name].dtype == before[name].dtype
    assert torch.equal(after["depth_mm"], before["depth_mm"])  # at a resolution of its own


def test_a_crop_commutes_with_projection():
    before, after = batch(), cropped(batch(), Box(2, 4, 8, 16))
    for view in ("left", "right"):
        expected = seen_at(before, POINT, view) - torch.tensor([4.0, 2.0])
        torch.testing.assert_close(seen_at(after, POINT, view), expected)
    for name in ("left", "right", "tool", "ignore", "depth_mm", "occluded", "mask"):
        assert torch.equal(after[name], before[name][..., 2:10, 4:20])


def test_a_crop_between_the_pixels_of_a_coarser_map_is_refused():
    coarse = batch()
    coarse["depth_mm"] = torch.ones(2, 1, HEIGHT // 2, WIDTH // 2)
    assert cropped(coarse, Box(2, 4, 8, 16))["depth_mm"].shape[-2:] == (4, 8)
    with pytest.raises(DataError, match="not whole pixels"):
        cropped(coarse, Box(1, 4, 8, 16))


@pytest.mark.parametrize("stereo", [True, False])
def test_a_mirror_commutes_with_projection(stereo: bool):
    """The mirrored world's left camera was the right one, where there is one."""
    before, after = batch(stereo), mirrored(batch(stereo), torch.ones(2, dtype=torch.bool))
    mirror = torch.tensor([-1.0, 1.0, 1.0])
    views = {"left": "right", "right": "left"} if stereo else {"left": "left"}
    for view, was in views.items():
        x, y = seen_at(before, POINT, was)
        torch.testing.assert_close(
            seen_at(after, mirror * POINT, view), torch.stack([WIDTH - 1 - x, y])
        )


def test_a_swap_takes_each_field_from_the_other_view():
    before, after = batch(), mirrored(batch(), torch.tensor([True, False]))
    for name, other in {"left": "right", "right": "left", "tool": "tool_right"}.items():
        assert torch.equal(after[name][0], before[other][0].flip(-1))
        assert torch.equal(after[name][1], before[name][1])
    assert torch.equal(after["ignore"][0], before["ignore"][0].flip(0, -1))
    assert (
        not {"depth_mm", "depth_label", "occluded", "mask"} & after.keys()
    )  # of the old left view
    assert after["key"] == before["key"]


def test_a_mirror_without_a_right_view_keeps_the_truth():
    before, after = batch(stereo=False), mirrored(batch(stereo=False), torch.tensor([True, False]))
    for name in ("left", "tool", "ignore", "depth_mm", "occluded", "mask"):
        assert torch.equal(after[name][0], before[name][0].flip(-1))
        assert torch.equal(after[name][1], before[name][1])


def test_mirrored_twice_is_as_before():
    before, all_of_them = batch(), torch.ones(2, dtype=torch.bool)
    after = mirrored(mirrored(before, all_of_them), all_of_them)
    for name, value in after.items():
        if isinstance(value, Tensor):
            torch.testing.assert_close(value, before[name])
    for now, then in zip(after["rig"], before["rig"], strict=True):
        torch.testing.assert_close(now, then)


def test_a_clip_fits_the_table():
    """Several frames a sample: their images have (b, t, 3, h, w), their rigs (b, t)."""
    frames = [batch(stereo=False) for _ in range(3)]
    clip = {
        name: torch.stack([frame[name] for frame in frames], 1)
        for name in ("left", "tool", "camera_to_world")
    }
    fields = zip(*(frame["rig"] for frame in frames), strict=True)
    clip["rig"] = StereoRig(*(torch.stack(field, 1) for field in fields))
    small, turned_clip = resized(clip, (6, 8)), mirrored(clip, torch.tensor([True, False]))
    for t in range(3):
        torch.testing.assert_close(small["left"][:, t], resized(frames[t], (6, 8))["left"])
        alone = mirrored(frames[t], torch.tensor([True, False]))
        for name in ("left", "tool", "camera_to_world"):
            torch.testing.assert_close(turned_clip[name][:, t], alone[name])
        torch.testing.assert_close(turned_clip["rig"].cx[:, t], alone["rig"].cx)


def test_labels_stay_behind_but_for_those_that_are_needed():
    samples = [sample(), sample()]
    assert not {name for name in FIELDS if FIELDS[name].label} & collate(samples, ()).keys()
    needed = collate(samples, needs={"left", "depth_mm"})
    assert "depth_mm" in needed
    assert "camera_to_world" not in needed


def test_a_sample_without_what_is_needed_is_named():
    with pytest.raises(DataError, match="clip/000001: no depth to learn from"):
        collate([{k: v for k, v in sample().items() if k != "depth_mm"}], needs={"depth_mm"})


def test_a_field_that_nobody_declared_is_named():
    with pytest.raises(DataError, match=r"clip/000001: the batch field 'pressure' is not declared"):
        collate([{**sample(), "pressure": torch.ones(())}], needs={"left"})


def test_a_new_field_is_one_line(monkeypatch: pytest.MonkeyPatch):
    gain = Field(lambda v, *_: v, lambda v, *_: v, lambda v, *_: -v, partner="lean")
    monkeypatch.setitem(FIELDS, "lean", gain)
    leaning = collate([{**sample(), "lean": torch.tensor(2.0)}] * 2, needs={"left"})
    assert mirrored(leaning, torch.tensor([True, False]))["lean"].tolist() == [-2.0, 2.0]
