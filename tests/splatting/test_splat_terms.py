"""The terms of a fit by hand, their weights over its course, and the presets."""

from functools import partial

import cv2
import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from m3depth.cli.configuration import configuration
from m3depth.splatting import depth_losses
from m3depth.splatting.model.start import at_random, from_prior
from m3depth.splatting.objective import schedules, terms
from m3depth.splatting.objective.objective import Objective, Weighted
from m3depth.splatting.rasteriser.drawing import Aux
from m3depth.splatting.rasteriser.profiles import expected, summed
from m3depth.splatting.rasteriser.rasterize import Rendered
from m3depth.splatting.scene.clip import ClipFrame

NONE = Aux(torch.zeros(0), torch.zeros(0), torch.zeros(0, 2))


def a_frame(use: torch.Tensor | None = None, depth_mm: float = 50.0) -> ClipFrame:
    use = torch.ones(1, 4, 6, dtype=torch.bool) if use is None else use
    depth = torch.full((1, 4, 6), depth_mm)
    return ClipFrame("a", torch.full((3, 4, 6), 0.5), depth, use, torch.eye(3), torch.eye(4))


def rendered(colour: torch.Tensor | None = None, depth_mm: torch.Tensor | None = None) -> Rendered:
    colour = torch.full((3, 4, 6), 0.5) if colour is None else colour
    depth_mm = torch.full((1, 4, 6), 52.0) if depth_mm is None else depth_mm
    return Rendered(colour, depth_mm, torch.ones(1, 4, 6), NONE)


def half() -> torch.Tensor:
    use = torch.ones(1, 4, 6, dtype=torch.bool)
    use[:, :, :3] = False
    return use


def test_the_colour_term_is_the_mean_over_tissue():
    colour = torch.full((3, 4, 6), 0.5)
    colour[:, :, :3] = 0.9
    colour[0, :, 3:] = 0.8
    assert terms.colour_l1(rendered(colour), a_frame(half())).item() == pytest.approx(0.1)
    nothing = torch.zeros(1, 4, 6, dtype=torch.bool)
    assert terms.colour_l1(rendered(colour), a_frame(nothing)).item() == 0


def test_the_depth_term_is_over_tissue_of_known_depth():
    depth_mm = torch.full((1, 4, 6), 52.0)
    depth_mm[:, :, :3] = 999
    frame = a_frame(half())
    frame.depth_mm[:, 0] = 0
    depth_mm[:, 0] = 999
    term = terms.DepthPriorTerm(depth_losses.depth_l1)
    assert term(rendered(depth_mm=depth_mm), frame).item() == pytest.approx(2)


def steps_of(values: np.ndarray) -> list[tuple[tuple[int, int], tuple[int, int], float]]:
    """Each pixel, its neighbour to the right or below, and the step: one pair at a time."""
    height, width = values.shape
    pairs = [((y, x), (y, x + 1)) for y in range(height) for x in range(width - 1)]
    pairs += [((y, x), (y + 1, x)) for y in range(height - 1) for x in range(width)]
    return [(one, other, float(values[other]) - float(values[one])) for one, other in pairs]


def variation_by_hand(values: np.ndarray) -> float:
    """``Σ |v - v'| / (c h w)``, as both released codes write it."""
    return sum(abs(step) for plane in values for *_, step in steps_of(plane)) / values.size


def a_rough_picture() -> Rendered:
    draw = np.random.default_rng(3)
    colour = torch.from_numpy(draw.random((3, 7, 9), np.float32))
    depth_mm = torch.from_numpy(40 + 5 * draw.random((1, 7, 9), np.float32))
    depth_mm[:, :, 5:] += 90
    depth_mm[:, 3, 1] = 0
    return Rendered(colour, depth_mm, torch.ones(1, 7, 9), NONE)


def a_frame_with_a_tool() -> ClipFrame:
    use = torch.ones(1, 7, 9, dtype=torch.bool)
    use[:, 4:, 2:4] = False
    image, depth_mm = torch.full((3, 7, 9), 0.5), torch.full((1, 7, 9), 50.0)
    return ClipFrame("a", image, depth_mm, use, torch.eye(3), torch.eye(4))


def test_total_variation_is_a_sum_over_the_number_of_values_as_released():
    ramp = torch.arange(6.0).expand(1, 4, 6)
    assert terms.total_variation(ramp).item() == pytest.approx(4 * 5 / 24)
    picture, frame = a_rough_picture(), a_frame_with_a_tool()
    colour, depth = picture.colour.numpy(), picture.depth_mm.numpy()
    inverse = np.where(depth > 0, 1 / np.where(depth > 0, depth, 1), 0)
    got = [
        term(picture, frame).item()
        for term in (terms.colour_variation, terms.depth_variation, terms.inverse_depth_variation)
    ]
    assert got == pytest.approx([variation_by_hand(v) for v in (colour, depth, inverse)], rel=1e-5)


def test_surgicalgs_smooths_what_a_tool_covers_down_to_0_around_it_as_released():
    picture, frame = a_rough_picture(), a_frame_with_a_tool()
    tool = (~frame.use).numpy()
    for term, values in (
        (terms.colour_variation, picture.colour),
        (terms.depth_variation, picture.depth_mm),
    ):
        target = variation_by_hand(values.numpy() * tool)
        assert term(picture, frame, terms.under_tools).item() == pytest.approx(target, rel=1e-5)
    elsewhere = picture._replace(depth_mm=torch.where(frame.use, 7.0, picture.depth_mm))
    assert terms.depth_variation(elsewhere, frame, terms.under_tools).item() == pytest.approx(
        target
    )


def test_roughness_is_of_the_tissue_without_edges_of_the_rendered_depth_as_released():
    picture, frame = a_rough_picture(), a_frame_with_a_tool()
    edges = cv2.Canny(picture.depth_mm[0].numpy().astype(np.uint8), 20, 200)
    smooth = frame.use[0].numpy() & (edges == 0)
    assert 0 < (edges > 0).sum() < edges.size
    steps = steps_of(picture.depth_mm[0].numpy())
    squares = [step**2 for one, other, step in steps if smooth[one] and smooth[other]]
    target = sum(squares) / smooth.sum()
    assert terms.edgeless_roughness(picture, frame).item() == pytest.approx(target, rel=1e-5)
    frame.image[:, :, 5:] = 1  # an edge of the picture is none of the depth
    assert terms.edgeless_roughness(picture, frame).item() == pytest.approx(target, rel=1e-5)
    nothing = frame._replace(use=torch.zeros_like(frame.use))
    assert terms.edgeless_roughness(picture, nothing).item() == 0


def test_the_schedules():
    assert schedules.constant(0.7, 2.0) == 2
    assert schedules.exponential(0.0, 1.0, 0.01) == 1
    assert schedules.exponential(0.5, 1.0, 0.01) == pytest.approx(0.1)
    assert schedules.exponential(1.0, 1.0, 0.01) == pytest.approx(0.01)
    assert [schedules.later(at, 3.0, 0.5) for at in (0.0, 0.49, 0.5, 1.0)] == [0, 0, 3, 3]


def test_the_objective_is_the_weighted_sum_and_leaves_out_what_weighs_nothing():
    weighted = {
        "colour": Weighted(terms.colour_l1, partial(schedules.constant, weight=2.0)),
        "late": Weighted(
            terms.DepthPriorTerm(depth_losses.depth_l1),
            partial(schedules.later, weight=0.5, since=0.5),
        ),
    }
    objective = Objective(partial(from_prior, count=9), weighted)
    picture = rendered(torch.full((3, 4, 6), 0.6))
    loss, parts = objective(picture, a_frame(), 0.2)
    assert loss.item() == pytest.approx(0.2)
    assert list(parts) == ["colour"]
    loss, parts = objective(picture, a_frame(), 0.8)
    assert loss.item() == pytest.approx(0.2 + 0.5 * 2)
    assert parts["late"] == pytest.approx(1)


def preset(name: str) -> Objective:
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("splat", [f"splat_objective={name}", "scene=a"])
    return instantiate(config.objective, _convert_="all")


def weights(objective: Objective, progress: float) -> dict[str, float]:
    return {name: one.weight(progress) for name, one in objective.terms.items()}


def test_the_presets_differ_in_what_the_papers_differ_in():
    ours, colour = preset("m3depth"), preset("colour")
    deform, endo, surgical = (preset(n) for n in ("deform3dgs", "endogaussian", "surgicalgs"))
    assert {o.start.func for o in (ours, deform, endo, surgical)} == {from_prior}
    assert colour.start.func is at_random
    assert list(colour.terms) == ["colour_l1"]
    assert {o.depth for o in (deform, endo, surgical)} == {summed}
    assert ours.depth is expected
    losses = [o.terms["depth"].term.loss for o in (ours, deform, endo, surgical)]
    assert losses == [
        depth_losses.depth_l1,
        depth_losses.inverse_l1,
        depth_losses.inverse_l1,
        depth_losses.max_normalised_l1,
    ]
    variation = {"colour_variation": 0.03, "inverse_depth_variation": 0.03}
    assert weights(endo, 0.0) == weights(deform, 0.0) | variation
    assert weights(deform, 0.9) == {"colour_l1": 1, "depth": 1}
    early, late = weights(surgical, 0.1), weights(surgical, 0.2)
    assert early == {**dict.fromkeys(late, 0.0), "colour_l1": 1, "depth": 1}
    assert late["edgeless_roughness"] == 1e-4
    assert late["depth_variation"] == late["colour_variation"] == 30e-4


@pytest.mark.parametrize("name", ["m3depth", "deform3dgs", "endogaussian", "surgicalgs", "colour"])
def test_every_presets_terms_give_gradients(name: str):
    depth_mm = (50 + torch.rand(1, 4, 6)).requires_grad_()
    colour = torch.rand(3, 4, 6).requires_grad_()
    use = torch.ones(1, 4, 6, dtype=torch.bool)
    use[:, :, :2] = False
    preset(name)(rendered(colour, depth_mm), a_frame(use), 0.5)[0].backward()
    assert colour.grad.abs().max() > 0
    assert (depth_mm.grad is None) == (name == "colour")
