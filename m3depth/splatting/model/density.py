"""More Gaussians where the loss has a large gradient, fewer where they are not visible."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from m3depth.splatting.model.splats import Splats
from m3depth.splatting.rasteriser.drawing import Aux
from m3depth.splatting.rasteriser.projection import rotations
from m3depth.validation import require_number

SHRINK = 1.6  # of the halves of a Gaussian that is split (Kerbl et al. 2023)


@dataclass
class Pull:
    """The gradient of the loss at each Gaussian since the last change, and how large it was.

    Attributes:
        total: Sum of ``|∂L / ∂(x, y)|``, with x and y in units of half the picture.
        seen: In how many pictures it was visible.
        radius_px: The largest.
    """

    total: Float[Tensor, " n"]
    seen: Float[Tensor, " n"]
    radius_px: Float[Tensor, " n"]

    @classmethod
    def none(cls, splats: Splats) -> "Pull":
        """Before anything was drawn."""
        return cls(*(torch.zeros_like(splats.logits.detach()) for _ in range(3)))

    def add(self, aux: Aux, size: tuple[int, int]) -> None:
        """Count a picture, after ``backward``."""
        gradient = aux.screen.grad
        if gradient is None:  # nothing in view
            return
        half = gradient.new_tensor([size[1] / 2, size[0] / 2])
        self.total += (gradient.reshape(-1, 2) * half).norm(dim=1)
        self.seen += aux.visible.float()
        self.radius_px = torch.maximum(self.radius_px, aux.radii_px.detach())


class Change(NamedTuple):
    """The Gaussians that come next."""

    source: Int[Tensor, " m"]  # which one each is made of
    fresh: Bool[Tensor, " m"]  # new ones, for which the optimiser starts anew
    edited: Mapping[str, Tensor]  # the parameters that are not the source's


@dataclass(frozen=True)
class Density:
    """When and how the number of Gaussians changes.

    Attributes:
        every: Iterations from one change to the next; 0 is never.
        since: From this share of the fit on.
        until: To this share of the fit.
        pull: Mean `Pull` above which a Gaussian becomes two (3D Gaussian splatting: 0.0002).
        split_px: Radius above which they are its halves; below, one is a copy.
        least_opacity: What is less opaque is dropped.
        largest_px: What has a larger radius is dropped.
        most: Gaussians at most.

    Raises:
        ConfigError: a number that cannot be.
    """

    every: int
    since: float
    until: float
    pull: float
    split_px: float
    least_opacity: float
    largest_px: float
    most: int

    def __post_init__(self) -> None:
        require_number("recipe.density.every", self.every, 0, whole=True)
        require_number("recipe.density.most", self.most, 1, whole=True)
        for share in ("since", "until", "least_opacity"):
            require_number(f"recipe.density.{share}", getattr(self, share), 0, 1)
        for size in ("pull", "split_px", "largest_px"):
            require_number(f"recipe.density.{size}", getattr(self, size), 0)

    def changes_after(self, done: int, iterations: int) -> bool:
        """Whether the Gaussians change after this iteration."""
        within = self.since * iterations <= done <= self.until * iterations
        return self.every > 0 and done % self.every == 0 and within

    @torch.no_grad()
    def change(self, splats: Splats, pull: Pull, generator: torch.Generator) -> Change:
        """Split, copy and drop."""
        kept = (splats.logits.sigmoid() >= self.least_opacity) & (pull.radius_px <= self.largest_px)
        wanted = torch.where(kept, pull.total / pull.seen.clamp_min(1), 0.0)
        room = max(0, min(self.most - int(kept.sum()), len(splats)))
        strongest = wanted.topk(room).indices
        grown = strongest[wanted[strongest] > self.pull]
        halved = grown[pull.radius_px[grown] > self.split_px]
        copied = grown[pull.radius_px[grown] <= self.split_px]
        kept[halved] = False
        source = torch.cat([kept.nonzero()[:, 0], copied, halved, halved])
        fresh = torch.arange(len(source), device=source.device) >= int(kept.sum())
        return Change(source, fresh, _halves(splats, source, 2 * len(halved), generator))


def _halves(
    splats: Splats, source: Int[Tensor, " m"], count: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """The last ``count`` are made smaller and moved to random places within their source."""
    means_mm, log_scales = splats.means_mm[source], splats.log_scales[source]
    quaternions = splats.quaternions[source]
    first = len(source) - count
    drawn = torch.randn(count, 3, generator=generator).to(means_mm) * log_scales[first:].exp()
    turned = rotations(quaternions[first:]) @ drawn[..., None]
    means_mm[first:] += turned[..., 0]
    log_scales[first:] -= math.log(SHRINK)
    return {"means_mm": means_mm, "log_scales": log_scales}


def apply(change: Change, splats: Splats, optimizer: torch.optim.Optimizer) -> None:
    """Put the new Gaussians into the model, and keep the optimiser's state of those that stay."""
    groups = {group["name"]: group for group in optimizer.param_groups}
    for name, old in splats.per_gaussian.items():
        rows = change.edited.get(name, old.detach()[change.source])
        new = nn.Parameter(rows)  # autograd remembers a parameter's shape
        setattr(splats, name, new)
        groups[name]["params"] = [new]
        memory = optimizer.state.pop(old, {})
        for key, value in memory.items():
            if value.dim():  # the count of steps is of all
                fresh = change.fresh.view(-1, *[1] * (value.dim() - 1))
                memory[key] = value[change.source].masked_fill_(fresh, 0)
        optimizer.state[new] = memory
