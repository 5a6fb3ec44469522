"""A matcher's answers as labels: least at the truth, in both views, and silent where it is."""

import math

import pytest
import torch
from scenes import rendered

from m3depth.geometry.synthesis import synthesise
from m3depth.losses.matched import Matched, matched
from m3depth.losses.terms import PerSample
from m3depth.types import Disparity, StereoBatch

Scene = tuple[StereoBatch, Disparity]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return rendered()


def told(scene: Scene, left: float = 1.0, right: float = 1.0) -> PerSample:
    """With each view's true disparity times a factor."""
    batch, true = scene
    return Matched()([synthesise(batch, Disparity(left * true.left, right * true.right))])


def test_it_is_least_at_the_truth_and_counts_the_logarithm_of_a_wrong_factor(scene: Scene):
    assert float(told(scene).mean()) < 0.1  # the matcher's own error, both views
    assert float(told(scene, 1.3, 1.3).mean()) == pytest.approx(2 * math.log(1.3), abs=0.03)


@pytest.mark.parametrize("view", ["left", "right"])
def test_each_view_counts(scene: Scene, view: str):
    off = float(told(scene, **{view: 1.3}).mean())
    assert off == pytest.approx(math.log(1.3), abs=0.06)


def test_the_right_views_answer_is_the_right_views(scene: Scene):
    known, label = matched(synthesise(*scene))
    for here, found, true in zip(known, label, scene[1], strict=False):
        assert here.float().mean() > 0.5
        assert float((found - true)[here].abs().median()) * 80 < 0.25  # pixels


def test_principal_points_that_differ_change_nothing(scene: Scene):
    """The same depths seen with every disparity 3 pixels larger, and said by the rig."""
    batch, disparity = scene
    rolled = torch.roll(batch["right"], -3, -1)
    rig = batch["rig"]._replace(cx_right=batch["rig"].cx_right - 3)
    moved = Disparity(*(one + 3 / 80 for one in disparity.views))
    views = synthesise({**batch, "right": rolled, "rig": rig}, moved)
    assert float(Matched()([views]).mean()) == pytest.approx(float(told(scene).mean()), abs=0.03)


def test_a_pair_that_shows_nothing_does_not_count(scene: Scene):
    nothing = torch.full_like(scene[0]["left"], 0.5)
    found = Matched()([synthesise({**scene[0], "left": nothing, "right": nothing}, scene[1])])
    assert not found.counted.any()
    assert float(found.mean()) == 0


def test_it_pulls_towards_the_matcher(scene: Scene):
    factor = torch.tensor(1.2, requires_grad=True)
    views = synthesise(scene[0], Disparity(*(factor * one for one in scene[1].views)))
    Matched()([views]).mean().backward()
    assert factor.grad is not None
    assert float(factor.grad) == pytest.approx(2 / 1.2, rel=0.1)
