"""Gaussians that move: bumps, places at a time, where they start, how they become more."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from small_scenes import a_clip, a_recipe, an_objective, changed

from m3depth.splatting.fit import FitState, draw, start
from m3depth.splatting.model.bumps import bumps, spread_evenly
from m3depth.splatting.model.density import Pull, apply
from m3depth.splatting.model.splats import Splats
from m3depth.splatting.model.start import at_random, from_prior
from m3depth.splatting.rasteriser.drawing import Aux
from m3depth.splatting.rasteriser.rasterize import rasterize
from m3depth.splatting.scene.clip import Clip

ONLY = torch.Generator()


def a_state() -> FitState:
    return start(a_clip(), an_objective(), a_recipe())


def test_a_bump_is_one_at_its_centre_and_known_one_width_away():
    centres, widths = torch.tensor([0.25, 0.75]), torch.tensor([0.5, 0.25])
    heights = bumps(0.25, centres, widths.log())
    assert heights.tolist() == pytest.approx([1.0, np.exp(-2)])


def test_bumps_are_spread_from_the_first_frame_to_the_last():
    centres, log_widths = spread_evenly(5)
    assert centres.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert log_widths.exp().tolist() == pytest.approx([0.25] * 5)


def test_a_gaussian_at_a_bumps_centre_is_moved_by_that_bumps_whole_weight():
    splats = a_state().splats
    with torch.no_grad():
        splats.log_widths.fill_(-8)  # so narrow that no other bump is felt
        splats.moves_mm[7, 1] = torch.tensor([1.0, -2.0, 3.0])
        splats.stretches[7, 1] = torch.log(torch.tensor(2.0))
        splats.turns[7, 1] = torch.tensor([0.0, 1.0, 0.0, 0.0])
    camera = a_clip().frames[0].camera
    rest, moved = (splats.at(time, camera) for time in (0.25, 0.5))
    gained = (moved.means_mm - rest.means_mm)[7]
    assert gained.tolist() == pytest.approx([1.0, -2.0, 3.0], abs=1e-4)
    assert (moved.scales_mm / rest.scales_mm)[7].tolist() == pytest.approx([2.0] * 3)
    assert moved.quaternions[7].tolist() == [1, 1, 0, 0]
    others = torch.arange(len(splats)) != 7
    assert torch.equal(moved.means_mm[others], rest.means_mm[others])


def test_gradients_reach_every_parameter():
    state = a_state()
    clip = a_clip()
    with torch.no_grad():  # at rest, a bump's own place and width do not matter
        state.splats.moves_mm.normal_(0, 0.1)
    rendered = draw(state.splats, clip, 2, a_recipe())
    loss, parts = an_objective()(rendered, clip.frames[2], 0.0)
    loss.backward()
    assert set(parts) == {"colour", "depth"}
    for name, parameter in state.splats.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def unmoved(points, camera):
    in_camera = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    pixels = in_camera[:, :2] / in_camera[:, 2:] * camera.intrinsics.diagonal()[:2]
    return (pixels + camera.intrinsics[:2, 2]), in_camera[:, 2]


def test_points_of_the_prior_lie_on_it():
    clip = a_clip()
    points = from_prior(clip, ONLY, 200)
    first = clip.frames[0]
    pixels, depth_mm = unmoved(points.means_mm, first.camera)
    inside = ((pixels > 0) & (pixels < torch.tensor([63.0, 47.0]))).all(1)
    column, row = pixels[inside].round().long().T
    known = first.known[0, row, column]
    off = (depth_mm[inside] - first.depth_mm[0, row, column]).abs()[known]
    # most are the first frame's own; the others are of tissue that moved since
    assert off.median() < 1e-3
    assert off.quantile(0.95) < 3


def test_what_the_tool_hides_in_one_frame_comes_from_another():
    clip = a_clip()
    hidden = torch.zeros_like(clip.frames[0].use)
    hidden[:, :, :32] = True
    frames = [clip.frames[0]._replace(use=clip.frames[0].use & ~hidden), *clip.frames[1:]]
    points = from_prior(Clip(tuple(frames)), ONLY, 600)
    rendered = torch.zeros(48, 64, dtype=torch.bool)
    pixels, _ = unmoved(points.means_mm, clip.frames[0].camera)
    inside = ((pixels >= 0) & (pixels <= torch.tensor([63.0, 47.0]))).all(1)
    column, row = pixels[inside].round().long().T
    rendered[row, column] = True
    seen_later = clip.frames[2].use[0, :, 4:28]
    assert rendered[:, 4:28][seen_later].float().mean() > 0.05  # one in nine or so, at this step


def test_tissue_whose_depth_nobody_knows_starts_at_its_neighbours():
    clip = changed(a_clip(), lambda f: f._replace(depth_mm=f.depth_mm.clone()))
    for frame in clip.frames:
        frame.depth_mm[:, :, :20] = 0
    known = torch.cat([frame.depth_mm[frame.known] for frame in clip.frames])
    splats = start(clip, an_objective(partial(from_prior, count=600)), a_recipe()).splats
    camera = clip.frames[0].camera
    rendered = rasterize(splats.at(0.0, camera), camera)
    assert rendered.weight[:, :, 2:20].mean() > 0.5
    depth_mm = rendered.depth_mm[:, :, 2:20]
    assert known.min() - 1 < depth_mm.median() < known.max() + 1


def test_tissue_that_many_frames_see_is_there_once():
    clip = a_clip()
    once = len(from_prior(Clip((clip.frames[0],) * 2), ONLY, 600).means_mm)
    again = len(from_prior(Clip((clip.frames[0],) * 6), ONLY, 600).means_mm)
    assert again == once


def test_strays_of_a_matcher_are_no_points():
    clip = changed(a_clip(), lambda f: f._replace(depth_mm=f.depth_mm.clone()))
    farthest_mm = max(float(frame.depth_mm.max()) for frame in clip.frames)
    for frame in clip.frames:
        frame.depth_mm[0, 5::12, 5::12] = 900.0  # less than one in a hundred
    for frame in clip.frames:
        _, depth_mm = unmoved(from_prior(clip, ONLY, 3000).means_mm, frame.camera)
        assert depth_mm.max() < farthest_mm + 10


def test_a_pull_is_in_halves_of_the_picture_and_counts_where_it_is_seen():
    state = a_state()
    pull = Pull.none(state.splats)
    screen = torch.zeros(len(state.splats), 2, requires_grad=True)
    screen.grad = torch.zeros_like(screen)
    screen.grad[3] = torch.tensor([0.3, 0.4])
    visible = torch.zeros(len(state.splats), dtype=torch.bool)
    visible[3] = True
    pull.add(Aux(visible, visible * 7.0, screen), (20, 10))
    assert pull.total[3].item() == pytest.approx(math.hypot(0.3 * 5, 0.4 * 10))
    assert (pull.total.count_nonzero(), pull.seen.sum(), pull.radius_px[3]) == (1, 1, 7)


def test_random_points_are_in_view_and_within_the_depths():
    clip = a_clip()
    points = at_random(clip, torch.Generator().manual_seed(0), 500)
    seen = torch.zeros(500, dtype=torch.bool)
    for frame in clip.frames:
        pixels, depth_mm = unmoved(points.means_mm, frame.camera)
        seen |= ((pixels >= -0.01) & (pixels <= torch.tensor([63.01, 47.01]))).all(1)
        seen &= depth_mm > 0
    assert seen.all()
    assert (points.colours == 0.5).all()
    again = at_random(clip, torch.Generator().manual_seed(1), 500)
    assert not torch.equal(points.means_mm, again.means_mm)


def pulled(state: FitState, strong: list[int], radius_px: float) -> Pull:
    pull = Pull.none(state.splats)
    pull.seen += 2
    pull.total[strong] = 1.0
    pull.radius_px += radius_px
    return pull


def stepped() -> FitState:
    """With an optimiser that remembers a step."""
    state = a_state()
    for parameter in state.splats.parameters():
        parameter.grad = torch.ones_like(parameter)
    state.optimizer.step()
    return state


def test_a_small_gaussian_that_is_pulled_at_is_copied():
    state = stepped()
    count, before = len(state.splats), state.splats.means_mm.detach().clone()
    density = a_recipe().density
    apply(
        density.change(state.splats, pulled(state, [3, 5], 1.0), ONLY),
        state.splats,
        state.optimizer,
    )
    assert len(state.splats) == count + 2
    assert torch.equal(state.splats.means_mm[:count], before)
    assert torch.equal(state.splats.means_mm[count:], before[[3, 5]])
    memory = state.optimizer.state[state.splats.means_mm]["exp_avg"]
    assert (memory[:count] != 0).all()
    assert (memory[count:] == 0).all()
    state.optimizer.step()  # shapes agree


def test_a_large_gaussian_that_is_pulled_at_becomes_its_halves():
    state = stepped()
    count, scales = len(state.splats), state.splats.log_scales.detach().exp().clone()
    source = torch.Generator().manual_seed(0)
    change = a_recipe().density.change(state.splats, pulled(state, [3], 9.0), source)
    apply(change, state.splats, state.optimizer)
    assert len(state.splats) == count + 1
    assert 3 not in change.source[: count - 1]
    assert change.source[count - 1 :].tolist() == [3, 3]
    halves = state.splats.log_scales[count - 1 :].exp()
    assert torch.allclose(halves, scales[3] / 1.6)
    assert not torch.equal(*state.splats.means_mm[count - 1 :])


def test_what_does_not_show_or_is_too_large_is_dropped_even_if_it_is_pulled_at():
    state = stepped()
    count = len(state.splats)
    with torch.no_grad():
        state.splats.logits[4] = -20
    pull = pulled(state, [4, 6], 1.0)
    pull.radius_px[6] = 99
    change = a_recipe().density.change(state.splats, pull, ONLY)
    assert len(change.source) == count - 2
    assert not {4, 6} & set(change.source.tolist())


def test_there_are_never_more_than_allowed_and_the_strongest_pulls_win():
    state = stepped()
    count = len(state.splats)
    density = replace(a_recipe().density, most=count + 1)
    pull = pulled(state, [3, 5], 1.0)
    pull.total[5] = 2.0
    change = density.change(state.splats, pull, ONLY)
    assert change.source[count:].tolist() == [5]


def test_the_optimiser_steps_on_what_the_picture_sees_after_a_change():
    state, clip = stepped(), a_clip()
    change = a_recipe().density.change(state.splats, pulled(state, [3], 1.0), ONLY)
    apply(change, state.splats, state.optimizer)
    before = {name: one.detach().clone() for name, one in state.splats.named_parameters()}
    rendered = draw(state.splats, clip, 0, a_recipe())
    an_objective()(rendered, clip.frames[0], 0.0)[0].backward()
    state.optimizer.step()
    for name in ("means_mm", "logits", "harmonics"):
        assert not torch.equal(getattr(state.splats, name), before[name]), name


def test_a_state_that_stands_still_draws_what_the_moving_one_does():
    splats = a_state().splats
    with torch.no_grad():
        splats.moves_mm.normal_()
    camera = a_clip().frames[0].camera
    rest = splats.at_rest(0.3)
    frozen = {**splats.state_dict(), **rest, "moves_mm": torch.zeros_like(splats.moves_mm)}
    one, other = splats.at(0.3, camera), Splats(frozen).at(0.9, camera)
    assert torch.allclose(one.means_mm, other.means_mm)
    assert torch.allclose(one.colours, other.colours)
