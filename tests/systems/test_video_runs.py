"""Training on a clip from the command line, and what its checkpoint gives back."""

from pathlib import Path

import pytest
import torch
from clip_batches import NETWORK
from command_line import TINY, m3depth, succeed

from m3depth.errors import UserError
from m3depth.geometry.identifiability import Uncertainty
from m3depth.networks.trained import load_model, load_motion
from m3depth.systems.known_intrinsics import told
from m3depth.types import Kind

CLIP = (
    *("data=synthetic_clips", "data.size=[64,80]", "data.batch_size=2", "trainer=cpu"),
    *("data.train.frames.clips=1", "data.train.frames.frames=9", "data.val.frames.clips=1"),
    *("data.val.frames.frames=9", "data.test.clips=1", "data.test.frames=2"),
)
DEPTH_ANYTHING = (
    *("network.pretrained=false", "network.adapter.rank=2", "system.motion.encoder=lcnet_050"),
    *("system.motion.patch=2", "system.flow.encoder=lcnet_050"),
    *("system.brightness.encoder=lcnet_050", "network.architecture.reassemble_hidden_size=32"),
    "network.architecture.neck_hidden_sizes=[8,8,8,8]",
    *("network.architecture.fusion_hidden_size=8", "network.architecture.head_hidden_size=8"),
    "network.architecture.backbone_config.hidden_size=32",
    "network.architecture.backbone_config.num_hidden_layers=4",
    "network.architecture.backbone_config.num_attention_heads=2",
    "network.architecture.backbone_config.out_indices=[1,2,3,4]",
)
VIDEO = ("train", "experiment=video", *NETWORK, *CLIP, "debug=two_steps")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("video")
    succeed(*VIDEO, f"output={output}")
    return output


def test_a_checkpoint_gives_depth_motion_and_k(run: Path):
    last = run / "checkpoints/last.ckpt"
    network, motion = load_model(last).network, load_motion(last)
    earlier, later = torch.rand(1, 3, 64, 80), torch.rand(1, 3, 64, 80)
    with torch.inference_mode():
        depth, found = network(earlier)[0], motion(earlier, later)
    assert depth.kind is Kind.INVERSE_DEPTH
    assert found.later_from_earlier.shape == (1, 4, 4)
    assert found.cameras.fx.shape == (1, 2)


def test_the_depth_that_the_motion_is_solved_from_is_the_trained_one(run: Path):
    last = run / "checkpoints/last.ckpt"
    depth, inside = load_model(last).network.state_dict(), load_motion(last).network.state_dict()
    assert depth.keys() == inside.keys()
    assert all(torch.equal(depth[name], inside[name]) for name in depth)


def test_it_is_evaluated_frame_by_frame(run: Path):
    assert (run / "metrics.json").is_file()


@pytest.mark.parametrize(
    ("experiment", "network"), [("video_stereo", NETWORK), ("endosfm3d", DEPTH_ANYTHING)]
)
def test_the_other_experiments_take_a_step(
    experiment: str, network: tuple[str, ...], tmp_path: Path
):
    choices = ("train", f"experiment={experiment}", *network, *CLIP, "debug=two_steps")
    succeed(*choices, f"output={tmp_path}")
    motion = load_motion(tmp_path / "checkpoints/last.ckpt")
    found = motion(torch.rand(1, 3, 64, 80), torch.rand(1, 3, 64, 80))
    assert found.later_from_earlier.isfinite().all()


def test_a_checkpoint_of_pairs_gives_no_motion(tmp_path: Path):
    succeed("train", *TINY, "debug=two_steps", f"output={tmp_path}")
    with pytest.raises(UserError, match="learned no camera motion"):
        load_motion(tmp_path / "checkpoints/best.ckpt")


def test_an_objective_of_pairs_is_refused_in_one_line(tmp_path: Path):
    found = m3depth(*VIDEO, "objective=m3depth", f"output={tmp_path}")
    assert found.status == 2
    assert "look at Views, and this system gives TargetViews" in found.line


def test_a_k_that_is_not_told_is_said():
    sure, unsure = (
        Uncertainty(*map(torch.tensor, one)) for one in ((0.02, 0.01, 0.01), (3.0, 0.1, 0.1))
    )
    assert told(sure) == ""
    assert "not identifiable" in told(unsure)
    assert "300 %" in told(unsure)
