"""The own rasteriser against every Gaussian at every pixel."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.benchmarks.clock import forward_and_backward, peak_mb
from m3depth.benchmarks.dense_splats import dense
from m3depth.splatting.rasteriser import own_backend
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.profiles import GSPLAT

Draw = Callable[[Gaussians, Camera], Sequence[Any]]  # colour, summed depth and weight first
FIELDS = [field.name for field in fields(Gaussians)]
Scene = tuple[Gaussians, Camera]


def measure(gaussians: int, size: Sequence[int], radius_px: float, repeats: int) -> dict[str, Any]:
    """Time and memory in float32, and the largest difference from the dense reference in float64.

    Args:
        gaussians: how many.
        size: (height, width).
        radius_px: one standard deviation in the middle of the scene, about.
        repeats: rounds of timing; both take turns within each.
    """
    peers: dict[str, Draw] = {
        "ours": partial(own_backend.draw, profile=GSPLAT),
        "dense": partial(dense, profile=GSPLAT),
    }
    scene = _scene(gaussians, (size[0], size[1]), radius_px)
    exact = [_gradients(draw, *_cast(scene, torch.float64)) for draw in peers.values()]
    steps = {
        name: partial(_step, draw, *_cast(scene, torch.float32)) for name, draw in peers.items()
    }
    times = forward_and_backward(steps, repeats)
    return {
        "gaussians": gaussians,
        "size": list(size),
        "threads": torch.get_num_threads(),
        "mean_weight": round(float(exact[0]["weight"].mean()), 3),
        "ms": {name: round(sum(parts.values()), 2) for name, parts in times.items()},
        "parts": times,
        "mb": {name: peak_mb(step) for name, step in steps.items()},
        "max_difference": max(float((a - b).abs().max()) for a, b in _pairs(exact)[:3]),
        "max_relative_difference_of_gradients": max(
            float((a - b).abs().max() / b.abs().max()) for a, b in _pairs(exact)[3:]
        ),
    }


def _step(draw: Draw, gaussians: Gaussians, camera: Camera) -> Float[Tensor, ""]:
    return _loss(draw(_leaves(gaussians), camera))


def _loss(drawn: Sequence[Any]) -> Float[Tensor, ""]:
    """Every pixel of each picture counts, and no two alike."""
    total: Tensor = sum(
        (one * torch.linspace(-1, 1, one.numel()).to(one).view_as(one)).sum() for one in drawn[:3]
    )
    return total


def _gradients(draw: Draw, gaussians: Gaussians, camera: Camera) -> dict[str, Tensor]:
    """The pictures, then the gradients, by name."""
    leaves = _leaves(gaussians)
    drawn = draw(leaves, camera)
    _loss(drawn).backward()  # type: ignore[no-untyped-call]
    pictures = zip(("colour", "depth", "weight"), drawn[:3], strict=True)
    found = {name: one.detach() for name, one in pictures}
    return found | {name: getattr(leaves, name).grad for name in FIELDS}


def _pairs(exact: Sequence[dict[str, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    ours, theirs = exact
    return [(ours[name], theirs[name]) for name in ours]


def _leaves(gaussians: Gaussians) -> Gaussians:
    return Gaussians(*(getattr(gaussians, name).clone().requires_grad_() for name in FIELDS))


def _cast(scene: Scene, dtype: torch.dtype) -> Scene:
    gaussians, camera = scene
    return Gaussians(*(getattr(gaussians, name).to(dtype) for name in FIELDS)), camera


def _scene(count: int, size: tuple[int, int], radius_px: float) -> Scene:
    """Gaussians all over the picture, 40 to 80 mm away, of all shapes and opacities."""
    height, width = size
    source = torch.Generator().manual_seed(0)
    focal = 0.93 * width
    k = torch.tensor([[focal, 0, 0.47 * width], [0, focal, 0.53 * height], [0, 0, 1]])
    draws = torch.rand(count, 3, dtype=torch.float64, generator=source)
    z = 40 + 40 * draws[:, 2:]
    pixels = draws[:, :2] * torch.tensor([width, height])
    sizes = torch.randn(count, 3, dtype=torch.float64, generator=source).mul(0.5).exp()
    gaussians = Gaussians(
        torch.cat([(pixels - k[:2, 2]) / focal * z, z], 1),
        torch.randn(count, 4, dtype=torch.float64, generator=source),
        sizes * radius_px * 60 / focal,
        torch.rand(count, dtype=torch.float64, generator=source),
        torch.rand(count, 3, dtype=torch.float64, generator=source),
    )
    return gaussians, Camera(k, torch.eye(4), size)
