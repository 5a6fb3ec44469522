"""`VideoDepth`: what learns, what keeps still, and what its parts are given."""

import pytest
import torch
from clip_batches import clips, loss_of, video_system
from torch import Tensor

from m3depth.errors import ConfigError
from m3depth.systems.clip_batch import frames_of, ignored, target_of
from m3depth.systems.turns import Alternating
from m3depth.systems.video import VideoDepth
from m3depth.types import DepthMap, Kind

SMALL = "system.motion.encoder=lcnet_050"
MOTIONS = {
    "solved": (),
    "flow": ("system/motion=flow",),
    "small": ("system/motion=small",),
    "resnet": ("system/motion=resnet", SMALL, "system.motion.patch=2"),
}


def _intrinsics(system: VideoDepth) -> torch.nn.Module:
    own = getattr(system.motion, "head", system.motion).intrinsics
    return own if [*own.parameters()] else system.motion


class Exact(torch.nn.Module):
    """A depth network that has seen the truth of a batch's frames, in mm."""

    def __init__(self, depth_mm: Tensor) -> None:
        super().__init__()
        self.inverse = torch.nn.Parameter(1 / depth_mm)

    def forward(self, image: Tensor) -> tuple[DepthMap]:
        return (DepthMap(self.inverse, Kind.INVERSE_DEPTH),)


def with_exact_depth(*overrides: str):
    """A system whose network is `Exact` for all frames of the batch, and the batch."""
    batch = clips(right="right" in overrides)
    system = video_system(*[one for one in overrides if one != "right"])
    exact = Exact(torch.cat([frame["depth_mm"] for frame in frames_of(batch)]))
    system.network = exact
    if hasattr(system.motion, "share"):
        system.motion.share(exact, system.flow)
    return system, batch


@pytest.mark.parametrize("overrides", MOTIONS.values(), ids=MOTIONS)
def test_depth_motion_and_k_all_learn(overrides: tuple[str, ...]):
    system = video_system(*overrides)
    loss_of(system, clips()).backward()
    for part in (system.network, system.motion, _intrinsics(system)):
        gradients = [one.grad for one in part.parameters() if one.grad is not None]
        assert gradients
        assert all(one.isfinite().all() for one in gradients)
        assert max(one.abs().max() for one in gradients) > 0


def test_exact_poses_and_k_rebuild_the_target_and_prefer_its_depth():
    system, batch = with_exact_depth("system=video_posed", "system/brightness=affine")
    near = loss_of(system, batch)
    bent = torch.linspace(0.9, 1.1, 80)
    system.network.inverse.data *= bent
    assert near < 0.6 * loss_of(system, batch)


def test_a_solved_motion_of_exact_depth_and_given_k_is_the_exact_one():
    """As far as the flow is: its errors are tenths of a pixel."""
    system, batch = with_exact_depth("system.motion.intrinsics=null")
    views = system._rebuilt(batch, batch["left"], 1.0)[0]
    poses = batch["camera_to_world"]
    for number, source in enumerate((0, 2)):
        true = torch.linalg.inv(poses[:, source]) @ poses[:, 1]
        found = views.rebuilt[number].source.source_from_target
        rotation = found[:, :3, :3] @ true[:, :3, :3].mT
        degrees = torch.rad2deg(((rotation.diagonal(dim1=1, dim2=2).sum(-1) - 1) / 2).acos())
        assert degrees.max() < 0.8
        assert (views.rebuilt[number].landing.flow_px().abs().mean()) > 1


def test_the_right_view_is_a_source_at_the_rig_s_baseline():
    system, batch = with_exact_depth("right", "system.stereo=true", "system.motion.intrinsics=null")
    views = system._rebuilt(batch, batch["left"], 1.0)[0]
    *_, right = views.rebuilt
    rig, target = batch["rig"], target_of(batch)
    disparity = rig.fx[:, 1] * rig.baseline_mm[:, 1] / target["depth_mm"].mean((1, 2, 3))
    moved = -right.landing.flow_px()[:, 0].mean((1, 2))
    torch.testing.assert_close(moved, disparity, rtol=0.05, atol=0)
    assert right.landing.flow_px()[:, 1].abs().max() < 1e-3
    assert len(views.rebuilt) == 3


def test_right_views_are_dropped_or_else_asked_for():
    both = clips(right=True)
    assert "right" not in video_system()._views(both)
    stereo = video_system("system.stereo=true")
    assert "right" in stereo._views(both)
    with pytest.raises(ConfigError, match=r"stereo=true learns from right views"):
        stereo._views(clips())


def test_without_a_camera_and_without_learning_one_it_says_so():
    system = video_system("system/motion=flow", "system.motion.intrinsics=null")
    batch = clips()
    del batch["rig"]
    with pytest.raises(ConfigError, match="learns no intrinsics"):
        loss_of(system, batch)


def test_one_lens_for_all_and_mirrored_images_exclude_each_other():
    with pytest.raises(ConfigError, match=r"give augmentation.mirror=0, or .*per_frame"):
        video_system("augmentation=m3depth")
    each_frame = "system/intrinsics@system.motion.intrinsics=per_frame"
    video_system("augmentation=m3depth", each_frame)


@pytest.mark.parametrize("parts", [(), ("system/brightness=inverse_square",)])
def test_a_few_steps_lower_the_loss(parts: tuple[str, ...]):
    system, batch = video_system(*parts), clips()
    optimizer = torch.optim.Adam(system.parameters(), 2e-3)
    losses = []
    for _ in range(12):
        loss = loss_of(system, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_af_sfmlearner_s_parts_learn_in_turn():
    system = video_system(
        *("system/motion=small", "system/flow=learned", "system.flow.encoder=lcnet_050"),
        *("system/brightness=appearance_flow", "system.brightness.encoder=lcnet_050"),
        *("objective=af_sfmlearner", "system/turns=alternating"),
    )
    batch = clips()
    for step, (learns, rests) in enumerate([("flow", "network"), ("network", "flow")]):
        system.zero_grad()
        loss_of(system, batch).backward()
        system.turns(system, step)
        assert any(one.grad is not None for one in getattr(system, learns).parameters())
        assert all(one.grad is None for one in getattr(system, rests).parameters())


def test_turns_of_unknown_parts_and_of_one_group_are_refused():
    with pytest.raises(ConfigError, match="no part pose"):
        Alternating([["pose"], ["network"]])(torch.nn.ModuleDict({"network": torch.nn.ReLU()}), 1)
    with pytest.raises(ConfigError, match="two or more"):
        Alternating([["network", "flow"]])


def test_frames_of_a_clip_keep_their_own_camera():
    batch = clips()
    for index, frame in enumerate(frames_of(batch)):
        assert torch.equal(frame["rig"].fx, batch["rig"].fx[:, index])
        assert torch.equal(frame["left"], batch["left"][:, index])
    assert target_of(batch)["key"] == batch["key"]


def test_what_a_clip_marks_already_stays_marked():
    batch = clips()
    batch["ignore"] = torch.zeros(2, 3, 1, 64, 80, dtype=torch.bool)
    batch["ignore"][:, :, :, :10] = True
    marked = ignored(batch, video_system("ignore=endoscope").ignore)["ignore"]
    assert marked.shape == (2, 3, 1, 64, 80)
    assert marked[:, :, :, :10].all()
    assert not marked.all()
