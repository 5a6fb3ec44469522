from functools import cache

import pytest
import torch

from m3depth.data.synthetic import SyntheticClip, SyntheticClips, SyntheticPairs
from m3depth.data.synthetic.draw import seeded, turn
from m3depth.data.synthetic.paths import Gentle, Moving
from m3depth.errors import ConfigError
from m3depth.geometry.points import back_project, pixel_grid, project
from m3depth.geometry.warp import warp

SIZE = (96, 120)
FRAMES = 5


@cache
def clip(**more):
    plain = {"highlights": False, "noise": False, "cache": False, "frames_per_s": 2.0}
    return SyntheticClip("test", with_tools(), FRAMES, SIZE, **(plain | more))


@cache
def with_tools():
    """The first test scene that shows an instrument."""
    scenes = (SyntheticClip("test", i, 1, SIZE, cache=False) for i in range(20))
    return next(i for i, scene in enumerate(scenes) if scene[0]["tool"].float().mean() > 0.02)


def follow(dataset, start, end):
    """Depth that the points of one frame have, and that the other frame shows there, by pose."""
    a, b = dataset[start], dataset[end]
    rig_a, rig_b = (type(f["rig"])(*(value[None] for value in f["rig"])) for f in (a, b))
    points = back_project(*pixel_grid(a["depth_mm"][None]), rig_a)
    motion = torch.linalg.inv(b["camera_to_world"]) @ a["camera_to_world"]
    points = points @ motion[:3, :3].T + motion[:3, 3]
    pixels = project(points, rig_b)[0]
    inside = ((pixels > 0) & (pixels < torch.tensor([SIZE[1] - 1.0, SIZE[0] - 1.0]))).all(-1)
    x, y = pixels[inside].round().long().unbind(-1)
    return points[0, inside, 2], b["depth_mm"][0, y, x]


def test_poses_carry_a_still_scene_from_frame_to_frame():
    dataset = clip(deforming=False)
    for start, end in [(0, 1), (1, 4), (3, 0)]:
        carried, shown = follow(dataset, start, end)
        assert len(carried) > 0.3 * SIZE[0] * SIZE[1]
        assert (carried - shown).abs().median() < 0.15  # half a pixel on tilted tissue
        assert (shown - carried < 1.5).float().mean() > 0.98  # only what hides is nearer
    one, other = dataset[0]["camera_to_world"], dataset[1]["camera_to_world"]
    assert (one - other).abs().max() > 0.5  # the camera did move


def test_tissue_deforms_and_tools_move():
    still, moving = clip(deforming=False), clip()
    torch.testing.assert_close(still[0]["depth_mm"], moving[0]["depth_mm"])
    tissue = ~(still[2]["tool"] | moving[2]["tool"])
    assert (still[2]["depth_mm"] - moving[2]["depth_mm"])[tissue].abs().mean() > 0.1
    assert (still[2]["tool"] ^ moving[2]["tool"]).float().mean() > 0.005


def test_zoom_changes_the_rig_and_nothing_else_does():
    focal = torch.stack([frame["rig"].fx for frame in clip()])
    fixed = torch.stack([frame["rig"].fx for frame in clip(zoom=False)])
    assert focal.max() > 1.1 * focal.min()
    assert (fixed == focal[0]).all()
    baselines = {frame["rig"].baseline_mm.item() for frame in clip()}
    assert len(baselines) == 1


def test_every_frame_is_a_pair():
    rendering = clip().render(range(FRAMES))
    warped, _ = warp(rendering.image.right, -rendering.disparity_px.left)
    error = (warped - rendering.image.left).abs().mean(1, keepdim=True)
    assert error[~rendering.occluded.left].mean() < 0.005
    torch.testing.assert_close(rendering.time_s, torch.arange(FRAMES) / 2)
    frame = clip()[2]
    assert frame["time_s"] == 1.0
    assert frame["key"] == f"synthetic/test/clip{with_tools():04d}/000002"
    torch.testing.assert_close(frame["depth_mm"], rendering.depth_mm.left[2], atol=1e-3, rtol=0)


def test_poses_are_rigid():
    path = Gentle()(seeded("path"), 5.0)
    pose = path.motion(torch.linspace(0, 5, 20))
    identity = torch.eye(3).expand(20, 3, 3)
    torch.testing.assert_close(pose[:, :3, :3] @ pose[:, :3, :3].mT, identity)
    torch.testing.assert_close(pose[0], torch.eye(4))
    torch.testing.assert_close(torch.linalg.det(pose), torch.ones(20))
    quarter = turn("z", torch.tensor(torch.pi / 2)) @ torch.tensor([1.0, 0.0, 0.0])
    torch.testing.assert_close(quarter, torch.tensor([0.0, 1.0, 0.0]))


def test_a_clip_is_its_seed(tmp_path, monkeypatch):
    monkeypatch.setenv("M3DEPTH_CACHE", str(tmp_path))

    def left(**more):
        kept = SyntheticClip("val", 0, 2, (32, 40), **more)
        return torch.stack([frame["left"] for frame in kept])

    first = left()
    assert torch.equal(left(), first)
    assert torch.equal(left(cache=False), first)
    assert not torch.equal(left(frames_per_s=3.0)[1], first[1])
    assert not torch.equal(left(seed=1), first)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_clip_without_frames_is_refused():
    with pytest.raises(ConfigError, match="frames=0"):
        SyntheticClip("val", 0, 0, (32, 40), cache=False)


def test_without_a_size_it_is_the_paper_s():
    """As `make demo` exports it: export's own data.size is null."""
    assert SyntheticClip("test", 0, frames=1, size=None, cache=False)[0]["left"].shape == (
        3,
        256,
        320,
    )
    assert SyntheticPairs("test", 1, None, cache=False)[0]["left"].shape == (3, 256, 320)


def moved(**path):
    """A clip of 6 frames whose camera moves as told, without pictures that cost time."""
    how = Moving(**path)
    return SyntheticClip("train", 1, 6, (16, 20), path=how, deforming=False, cache=False)


def steps(dataset):
    """From each frame's camera to the next one's."""
    poses = torch.stack([frame["camera_to_world"] for frame in dataset]).double()
    return torch.linalg.inv(poses[:-1]) @ poses[1:]


def test_a_steady_zoom_grows_by_its_share_over_the_clip():
    focal = torch.stack([frame["rig"].fx for frame in moved(zoom=(0.3, 0.3))])
    torch.testing.assert_close(focal[-1] / focal[0], torch.tensor(1.3))
    torch.testing.assert_close(focal.diff(), focal.diff()[:1].expand(5), rtol=1e-3, atol=1e-4)


def test_a_path_is_a_pure_rotation_or_a_pure_translation():
    turned, shifted = steps(moved(sway_mm=(0, 0))), steps(moved(turn_deg=(0, 0)))
    assert turned[:, :3, 3].abs().max() < 1e-4
    assert (turned[:, :3, :3] - torch.eye(3)).abs().amax((1, 2)).min() > 0.004
    torch.testing.assert_close(shifted[:, :3, :3], torch.eye(3).double().expand(5, 3, 3))
    assert shifted[:, :3, 3].norm(dim=-1).min() > 0.1


def test_paths_differ_from_clip_to_clip_and_equal_settings_make_one_path():
    one, same = Moving(zoom=[0, 0.3]), Moving(zoom=(0.0, 0.3))
    assert repr(one) == repr(same)
    time_s = torch.linspace(0, 2, 5)
    first, second = one(seeded("a"), 2.0), one(seeded("b"), 2.0)
    torch.testing.assert_close(first.motion(time_s), same(seeded("a"), 2.0).motion(time_s))
    assert (first.motion(time_s) - second.motion(time_s)).abs().max() > 1


@pytest.mark.parametrize("wrong", [{"zoom": (0.3, 0.1)}, {"turn_deg": (0, 90)}, {"sway_mm": (1,)}])
def test_a_path_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError, match=f"path.{next(iter(wrong))}"):
        Moving(**wrong)


def test_clips_follow_each_other_each_of_its_own_scene():
    frames = SyntheticClips("train", 2, 3, size=(16, 20), cache=False)
    keys = [frame["key"] for frame in frames]
    assert keys == [f"synthetic/train/clip{c:04d}/{f:06d}" for c in range(2) for f in range(3)]
    assert not torch.equal(frames[0]["left"], frames[3]["left"])
