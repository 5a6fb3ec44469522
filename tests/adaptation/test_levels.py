"""What each level of an adaptation does to a network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from torch import nn

from m3depth.adaptation.frames import Frames
from m3depth.adaptation.level import Tried, Void
from m3depth.adaptation.model import Model
from m3depth.adaptation.scale import ByMatcher
from m3depth.adaptation.statistics import Statistics
from m3depth.adaptation.steps import StereoSteps
from m3depth.data.augmentation import Augmentation
from m3depth.data.ignore import Ignore
from m3depth.data.synthetic import SyntheticPairs
from m3depth.losses.objective import Objective
from m3depth.networks.by_rig import ByRig
from m3depth.networks.strangeness import batch_statistics
from m3depth.types import DepthMap, Kind, Scale, StereoBatch
from m3depth.types.disparity import disparity_from_depth

SIZE = (64, 96)
NETWORK = {
    "_target_": "m3depth.networks.monodepth.Monodepth",
    "encoder": "test_resnet",
    "widths": [16, 16, 8, 8, 8],
}


@pytest.fixture(scope="module")
def frames() -> Frames:
    pairs = SyntheticPairs("train", 12, SIZE, cache=False)
    read = [pairs[index] for index in range(12)]
    return Frames(read[:8], read[8:10], read[10:])


def monodepth() -> Model:
    torch.manual_seed(0)
    return Model(instantiate(NETWORK).eval(), NETWORK)


class Known(nn.Module):
    """The true map of each frame, by its first pixels; ``made`` says what is wrong with it."""

    def __init__(self, frames: Frames, made) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))
        self.known = {_name(f["left"]): made(f) for part in frames for f in part}

    def forward(self, image: torch.Tensor) -> tuple[DepthMap, ...]:
        maps = [self.known[_name(one)] for one in image]
        values = torch.cat([one.values for one in maps]) * self.one
        return (replace(maps[0], values=values),)


def _name(image: torch.Tensor) -> float:
    return float(image.double().sum())


def true_fraction(frame: StereoBatch) -> torch.Tensor:
    rig = type(frame["rig"])(*(value[None] for value in frame["rig"]))
    return disparity_from_depth(frame["depth_mm"][None], rig) / SIZE[1]


def test_statistics_are_those_of_the_images_and_nothing_else_changes(
    frames: Frames, tmp_path: Path
):
    model = monodepth()
    before = {k: v.clone() for k, v in model.network.state_dict().items()}
    tried = Statistics(batch_size=8)(model, frames, tmp_path)
    assert isinstance(tried, Tried)
    after = tried.model.network.state_dict()
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert changed
    assert all(k.rsplit(".")[-1] in STATISTICS for k in changed)
    assert all(torch.equal(v, model.network.state_dict()[k]) for k, v in before.items())
    seen: list[torch.Tensor] = []
    first = batch_statistics(tried.model.network)[0]
    hook = first.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    tried.model.network(torch.stack([one["left"] for one in frames.adapt]))
    hook.remove()
    torch.testing.assert_close(first.running_mean, seen[0].mean((0, 2, 3)), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(first.running_var, seen[0].var((0, 2, 3)), rtol=1e-4, atol=1e-6)
    assert not any(one.training for one in tried.model.network.modules())
    assert first.momentum == batch_statistics(model.network)[0].momentum


STATISTICS = {"running_mean", "running_var", "num_batches_tracked"}


def test_a_network_without_statistics_is_told_so(frames: Frames, tmp_path: Path):
    tried = Statistics()(Model(Known(frames, lambda _: None), {}), frames, tmp_path)
    assert isinstance(tried, Void)
    assert "no batch statistics" in tried.why


@pytest.mark.parametrize("offset_px", [0.0, -5.0])
def test_the_scale_of_a_network_that_is_off_by_a_factor_is_found(
    frames: Frames, tmp_path: Path, offset_px: float
):
    moved = Frames(*([_moved(one, offset_px) for one in part] for part in frames))

    def off(frame: StereoBatch) -> DepthMap:
        infinity = frame["rig"].principal_offset / SIZE[1]
        return DepthMap((true_fraction(frame) - infinity) * 0.8 + infinity, Kind.FRACTION)

    tried = ByMatcher(8)(Model(Known(moved, off), {}), moved, tmp_path)
    assert isinstance(tried, Tried), tried
    assert tried.about["scale"] == pytest.approx(1.25, rel=0.03)
    for frame in moved.judge:
        (found,) = tried.model.network(frame["left"][None])
        expected = true_fraction(frame)
        off_px = SIZE[1] * (found.values.detach() - expected).abs().mean()
        assert float(off_px) < 0.3


@pytest.mark.parametrize(("pairs", "told"), [(3, True), (4, False)])
def test_too_few_pairs_to_see_how_frames_differ_are_told(
    pairs: int, told: bool, frames: Frames, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    model = Model(Known(frames, lambda one: DepthMap(true_fraction(one), Kind.FRACTION)), {})
    ByMatcher(pairs)(model, frames, tmp_path)
    assert (f"pairs={pairs}: how much frames differ" in caplog.text) is told


def _moved(frame: StereoBatch, px: float) -> StereoBatch:
    """The right camera's principal point moved, and its image with it."""
    right = torch.roll(frame["right"], -round(px), dims=-1)
    rig = frame["rig"]._replace(cx_right=frame["rig"].cx_right - px)
    return {**frame, "right": right, "rig": rig}


def test_relative_depth_is_brought_to_the_rig(frames: Frames, tmp_path: Path):
    def relative(frame: StereoBatch) -> DepthMap:
        values = 30 / frame["depth_mm"][None] + 0.7
        return DepthMap(values, Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT)

    tried = ByMatcher(8)(Model(Known(frames, relative), {}), frames, tmp_path)
    assert isinstance(tried, Tried), tried
    for frame in frames.judge:
        (found,) = tried.model.network(frame["left"][None])
        assert float((found.values.detach() / true_fraction(frame) - 1).abs().mean()) < 0.05


def test_two_scales_are_one():
    model = monodepth()
    twice = model.scaled(1.5, 0.01).scaled(0.8, -0.02)
    image = torch.rand(2, 3, *SIZE)
    raw = model.network(image)[0]
    found = twice.network(image)[0]
    expected = 0.8 * (1.5 * raw.values + 0.01) - 0.02
    torch.testing.assert_close(found.values, expected)
    assert isinstance(twice.network, ByRig)
    assert twice.network.network is model.network
    assert found.right is not None
    assert raw.right is not None
    torch.testing.assert_close(found.right.values, 1.2 * raw.right.values - 0.012)
    assert twice.options["network"] == NETWORK


def test_steps_that_were_interrupted_end_in_the_same_weights(frames: Frames, tmp_path: Path):
    def steps(ignore: Callable[[StereoBatch], StereoBatch]) -> StereoSteps:
        objective = Objective({"photometric": instantiate(PHOTOMETRIC)})
        options = {"steps": 4, "batch_size": 4, "every": 2, "patience": 9}
        return StereoSteps(objective, ignore, Augmentation(), **options)  # type: ignore[arg-type]

    whole = steps(Ignore())(monodepth(), frames, tmp_path / "whole")
    with pytest.raises(OSError, match="no power"):
        steps(EndsAfter(3))(monodepth(), frames, tmp_path / "cut")
    resumed = steps(Ignore())(monodepth(), frames, tmp_path / "cut")
    assert resumed.about == whole.about
    assert resumed.about["steps"] == 4
    for name, value in whole.model.network.state_dict().items():
        assert torch.equal(value, resumed.model.network.state_dict()[name]), name
    untrained = monodepth().network.state_dict()
    assert any(
        not torch.equal(v, untrained[k]) for k, v in whole.model.network.state_dict().items()
    )


class EndsAfter(Ignore):
    """So many batches, of training and validation."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        object.__setattr__(self, "left", [None] * batches)

    def __call__(self, batch: StereoBatch) -> StereoBatch:
        if not self.left:  # type: ignore[attr-defined]
            raise OSError("no power")
        self.left.pop()  # type: ignore[attr-defined]
        return super().__call__(batch)


PHOTOMETRIC = {"_target_": "m3depth.losses.terms.Photometric", "weight": 1.0}
