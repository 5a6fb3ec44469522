"""Fitting Gaussians to a scene: the loop, and its state."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from m3depth.splatting.model.density import Pull, apply
from m3depth.splatting.model.splats import Splats, still
from m3depth.splatting.objective.objective import Objective
from m3depth.splatting.objective.schedules import exponential
from m3depth.splatting.rasteriser.profiles import expected
from m3depth.splatting.rasteriser.rasterize import DepthRule, Rendered, rasterize
from m3depth.splatting.recipe import Recipe
from m3depth.splatting.scene.clip import Clip

logger = logging.getLogger(__name__)

START, ORDER, HALVES = range(3)  # what is drawn at random
PLACES = ("means_mm", "moves_mm")  # their rates decrease over the fit


@dataclass
class FitState:
    """A fit under way."""

    splats: Splats
    optimizer: torch.optim.Adam
    pull: Pull
    done: int = 0

    @classmethod
    def begin(cls, splats: Splats, recipe: Recipe) -> "FitState":
        """With a new optimiser."""
        groups = [
            {"params": [parameter], "lr": recipe.rates[name], "name": name}
            for name, parameter in splats.named_parameters()
        ]
        return cls(splats, torch.optim.Adam(groups, eps=1e-15), Pull.none(splats))


def start(
    clip: Clip, objective: Objective, recipe: Recipe, device: torch.device | str = "cpu"
) -> FitState:
    """Gaussians on ``device`` where the objective wants them, at rest; the clip is on the CPU."""
    points = objective.start(clip, draws(recipe.seed, START))
    state = still(points, recipe.bumps, recipe.degree, recipe.opacity)
    return FitState.begin(Splats(state).to(device), recipe)


def fit(
    state: FitState,
    clip: Clip,
    objective: Objective,
    recipe: Recipe,
    after: Callable[[FitState, dict[str, float]], None],
    told: Callable[[range], Iterable[int]] = iter,
) -> None:
    """Go on from ``state`` to the last iteration.

    Everything random comes from the seed and the iteration's number, so that a fit that was
    stopped ends as one that was not.

    Args:
        state: Is changed.
        clip: On the Gaussians' device; the held-out frames are not looked at.
        objective: What is minimised.
        recipe: How.
        after: Gets the state and each term's part of the loss after every iteration.
        told: Wraps the iterations, for a progress bar.

    Raises:
        DataError: a Gaussian or the loss is no number any more.
    """
    if recipe.iterations < len(clip.fitted):
        logger.warning(
            "recipe.iterations=%d: only so many of the %d fitted frames are used, the others never",
            *(recipe.iterations, len(clip.fitted)),
        )
    for done in told(range(state.done, recipe.iterations)):
        progress = done / recipe.iterations
        index = frame_at(done, clip, recipe.seed)
        frame = clip.frames[index]
        settle(state.optimizer, recipe, progress)
        rendered = draw(state.splats, clip, index, recipe, objective.depth)
        rendered.aux.screen.retain_grad()
        loss, parts = objective(rendered, frame, progress)
        state.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.pull.add(rendered.aux, frame.size)
        state.optimizer.step()
        state.done = done + 1
        if recipe.density.changes_after(state.done, recipe.iterations):
            source = draws(recipe.seed, HALVES, done)
            change = recipe.density.change(state.splats, state.pull, source)
            apply(change, state.splats, state.optimizer)
            state.pull = Pull.none(state.splats)
        after(state, parts)


def draw(
    splats: Splats, clip: Clip, index: int, recipe: Recipe, depth: DepthRule = expected
) -> Rendered:
    """A frame of the clip, rendered from the Gaussians."""
    camera = clip.frames[index].camera
    gaussians = splats.at(clip.time(index), camera)
    return rasterize(gaussians, camera, depth, recipe.profile, recipe.backend)


def frame_at(done: int, clip: Clip, seed: int) -> int:
    """The frame of an iteration: all fitted ones in a new order, again and again."""
    fitted = clip.fitted
    turn, place = divmod(done, len(fitted))
    order = torch.randperm(len(fitted), generator=draws(seed, ORDER, turn))
    return fitted[int(order[place])]


def draws(*numbers: int) -> torch.Generator:
    """A source of random numbers; other ``numbers``, another sequence."""
    # torch's own seeding takes no more than 32 bits
    seed = np.random.SeedSequence(numbers).generate_state(1)[0]
    return torch.Generator().manual_seed(int(seed))


def settle(optimizer: torch.optim.Adam, recipe: Recipe, progress: float) -> None:
    """Set the learning rates of places and motions, which decrease over the fit."""
    for group in optimizer.param_groups:
        if group["name"] in PLACES:
            group["lr"] = recipe.rates[group["name"]] * exponential(progress, 1.0, recipe.settle)
