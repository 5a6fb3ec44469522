"""A lens that is solved for when a training begins: of which frames, and which it refuses."""

from typing import Any

import pytest
import torch
from clip_batches import video_system
from torch import Tensor, nn
from torch.utils.data import ConcatDataset, Dataset

from m3depth.data.ignore import Ignore
from m3depth.data.synthetic.clip import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.errors import ConfigError
from m3depth.networks.video.solved_lens import SolvedLens
from m3depth.systems.frame_lens import solve_lens
from m3depth.types import DepthMap, Kind, StereoBatch

SIZE, FRAMES = (72, 96), 9
CHOSEN = "system/intrinsics@system.motion.intrinsics=solved_lens"


class Exact(nn.Module):
    """A depth network that has seen the truth of a clip's frames, which it is asked for in turn."""

    def __init__(self, clip: SyntheticClip) -> None:
        super().__init__()
        self.depth_mm, self.asked = [frame["depth_mm"] for frame in clip], 0

    def forward(self, image: Tensor) -> tuple[DepthMap]:
        self.asked += 1
        return (DepthMap(1 / self.depth_mm[self.asked - 1][None], Kind.INVERSE_DEPTH),)


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


def test_each_frame_is_in_the_table_once_and_k_is_solved_again_of_the_networks_depth():
    clip = video()
    lens = SolvedLens(apart=(1, 3), every=4, rounds=1)
    network = Exact(clip)
    solve_lens(lens, network, Ignore(), ConcatDataset([clip, clip]))
    assert int(lens.count) == FRAMES
    assert network.asked == 0
    solve_lens(lens, network, Ignore(), clip)
    assert network.asked == FRAMES
    images = torch.stack([frame["left"] for frame in clip])
    found = lens(images[:-1], images[1:], torch.zeros(FRAMES - 1, 0))
    true = torch.stack([frame["rig"].fx for frame in clip])
    assert (found.fx[:, 0] / true[:-1] - 1).abs().max() < 0.05  # 1.0 of the width is 6 to 19 % off


def test_several_videos_and_videos_without_right_views_are_refused():
    lens, network = SolvedLens(), nn.Identity()
    with pytest.raises(ConfigError, match="2 videos"):
        solve_lens(lens, network, Ignore(), ConcatDataset([video(), video(1)]))
    with pytest.raises(ConfigError, match="no right views"):
        solve_lens(lens, network, Ignore(), LeftAlone(video()))


def test_a_training_solves_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch):
    system = video_system(CHOSEN, f"{CHOSEN.partition('@')[2].partition('=')[0]}.epochs=[0,2]")
    solved: list[int] = []
    monkeypatch.setattr("m3depth.systems.video.solve_lens", lambda *_: solved.append(epoch))
    monkeypatch.setattr(type(system), "trainer", Trainer)
    for epoch in range(4):
        monkeypatch.setattr(type(system), "current_epoch", epoch)
        system.on_train_epoch_start()
    assert solved == [0, 2]


class Trainer:
    """As much of one as is asked for."""

    class datamodule:
        train = None


def test_mirrored_images_are_another_lens():
    with pytest.raises(ConfigError, match="mirrored image has another principal point"):
        video_system(CHOSEN, "augmentation=m3depth")
