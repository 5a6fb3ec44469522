"""A small scene for the fit: a bent sheet that moves, a tool, a camera that sways."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from m3depth.data.synthetic import SyntheticClip
from m3depth.priors.made import completed, prior_of
from m3depth.priors.prior import DepthPrior
from m3depth.sources.exact import ExactSource
from m3depth.splatting import depth_losses
from m3depth.splatting.fit import start
from m3depth.splatting.model.density import Density
from m3depth.splatting.model.splats import Splats
from m3depth.splatting.model.start import Start, from_prior
from m3depth.splatting.objective.objective import Objective, Weighted
from m3depth.splatting.objective.schedules import constant
from m3depth.splatting.objective.terms import DepthPriorTerm, colour_l1
from m3depth.splatting.recipe import Recipe
from m3depth.splatting.scene.clip import Clip, ClipFrame

SIZE = (48, 64)
FRAMES = 4


@cache
def priors(frames: int = FRAMES) -> tuple[DepthPrior, ...]:
    """With the exact depth."""
    clip = SyntheticClip("test", 0, frames, SIZE, zoom=False, cache=False)
    found = zip(clip, ExactSource()(list(clip)), strict=True)
    return tuple(completed(prior_of(sample, depth), sample) for sample, depth in found)


def as_frame(prior: DepthPrior) -> ClipFrame:
    use = torch.ones_like(prior.depth_mm, dtype=torch.bool) if prior.use is None else prior.use
    matrix = prior.rig.matrix()
    return ClipFrame(prior.key, prior.image, prior.depth_mm, use, matrix, prior.camera_to_world)


def a_clip(frames: int = FRAMES) -> Clip:
    return Clip.of([as_frame(prior) for prior in priors(frames)], Path("clip"))


def changed(clip: Clip, change: Callable[[ClipFrame], ClipFrame]) -> Clip:
    return Clip(tuple(change(frame) for frame in clip.frames))


def an_objective(start: Start | None = None, depth_weight: float = 0.1) -> Objective:
    terms = {
        "colour": Weighted(colour_l1, partial(constant, weight=1.0)),
        "depth": Weighted(
            DepthPriorTerm(depth_losses.depth_l1), partial(constant, weight=depth_weight)
        ),
    }
    return Objective(start or partial(from_prior, count=600), terms)


def a_recipe(iterations: int = 30, **changes: object) -> Recipe:
    rates = dict.fromkeys(("means_mm", "moves_mm"), 0.05)
    rates |= dict.fromkeys(("log_scales", "stretches", "harmonics"), 0.01)
    rates |= dict.fromkeys(("quaternions", "turns", "centres", "log_widths"), 0.002)
    density = Density(
        every=10,
        since=0.1,
        until=0.9,
        pull=1e-4,
        split_px=4.0,
        least_opacity=0.005,
        largest_px=30.0,
        most=900,
    )
    settings = {"bumps": 3, "degree": 1, "opacity": 0.5, "settle": 0.1, "density": density}
    return Recipe(iterations, rates=rates | {"logits": 0.03}, **{**settings, **changes})


def some_splats() -> Splats:
    splats = start(a_clip(), an_objective(), a_recipe(degree=2)).splats
    with torch.no_grad():
        for parameter in splats.parameters():
            parameter += 0.01 * torch.randn(parameter.shape)
    return splats


def parsed_ply(data: bytes) -> np.ndarray:
    """A binary PLY of one element of floats, by its header alone."""
    head, body = data.split(b"end_header\n", 1)
    lines = head.decode().splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    count = next(int(line.split()[2]) for line in lines if line.startswith("element vertex"))
    names = [line.split()[2] for line in lines if line.startswith("property float")]
    rows = np.frombuffer(body, np.dtype([(name, "<f4") for name in names]))
    assert len(rows) == count
    return rows
