"""A lens that is solved for when a training begins: of which frames, and which it refuses."""

from typing import Any

import pytest
import torch
from clip_batches import video_system
from torch.utils.data import ConcatDataset, Dataset

from m3depth.data.ignore import Ignore
from m3depth.data.synthetic.clip import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.errors import ConfigError
from m3depth.geometry.zoom_bundle import Bundle
from m3depth.matching.clip_lens import ClipViews
from m3depth.networks.video.solved_lens import SolvedLens
from m3depth.systems.frame_lens import solve_lens
from m3depth.types import StereoBatch

SIZE, FRAMES = (72, 96), 9
CHOSEN = "system/intrinsics@system.motion.intrinsics=solved_lens"


class LeftAlone(Dataset[StereoBatch]):
    """A clip without right views."""

    def __init__(self, clip: SyntheticClip) -> None:
        self.clip = clip

    def __len__(self) -> int:
        return len(self.clip)

    def __getitem__(self, index: int) -> StereoBatch:
        fields: Any = {name: v for name, v in self.clip[index].items() if name != "right"}
        return fields


def video(index: int = 0, **more: Any) -> SyntheticClip:
    how = {"deforming": False, "tools": False, "highlights": False, "noise": False} | more
    path = Moving(zoom=(0.2, 0.2))
    return SyntheticClip("train", index, FRAMES, SIZE, path=path, frames_per_s=5.0, **how)


def test_each_frame_is_in_the_table_once():
    clip = video()
    lens = SolvedLens(apart=(1, 3), every=4, rounds=1)
    solve_lens(lens, Ignore(), ConcatDataset([clip, clip]))
    assert int(lens.count) == FRAMES
    images = torch.stack([frame["left"] for frame in clip])
    found = lens(images[:-1], images[1:], torch.zeros(FRAMES - 1, 0))
    true = torch.stack([frame["rig"].fx for frame in clip])
    assert (found.fx[:, 0] / true[:-1] - 1).abs().max() < 0.05  # 1.0 of the width is 6 to 19 % off


def test_of_a_longer_clip_so_many_frames_are_in_the_table(monkeypatch: pytest.MonkeyPatch):
    def still(views: ClipViews, *_: object) -> Bundle:
        return Bundle.still(len(views.left), SIZE)

    monkeypatch.setattr("m3depth.systems.frame_lens.lens_of_clip", still)
    lens = SolvedLens(most=4)
    solve_lens(lens, Ignore(), video())
    assert int(lens.count) == 4


def test_several_videos_and_videos_without_right_views_are_refused():
    lens = SolvedLens()
    with pytest.raises(ConfigError, match="2 videos"):
        solve_lens(lens, Ignore(), ConcatDataset([video(), video(1)]))
    with pytest.raises(ConfigError, match="no right views"):
        solve_lens(lens, Ignore(), LeftAlone(video()))


def test_a_training_solves_once_and_a_resumed_one_not_again(monkeypatch: pytest.MonkeyPatch):
    system, solved = video_system(CHOSEN), []
    monkeypatch.setattr("m3depth.systems.video.solve_lens", lambda *given: solved.append(given))
    monkeypatch.setattr(type(system), "trainer", Trainer)
    system.on_train_start()
    assert len(solved) == 1
    system.motion.intrinsics.count.fill_(1)
    system.on_train_start()
    assert len(solved) == 1


class Trainer:
    """As much of one as is asked for."""

    class datamodule:
        train = None


def test_mirrored_images_are_another_lens():
    with pytest.raises(ConfigError, match="mirrored image has another principal point"):
        video_system(CHOSEN, "augmentation=m3depth")
