"""All terms of a fit together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import ConfigError, DataError
from m3depth.splatting.model.start import Start
from m3depth.splatting.objective.schedules import Schedule
from m3depth.splatting.objective.terms import Term
from m3depth.splatting.rasteriser.profiles import expected
from m3depth.splatting.rasteriser.rasterize import DepthRule, Rendered
from m3depth.splatting.scene.clip import ClipFrame
from m3depth.validation import require_number


class Weighted(NamedTuple):
    """A term and its weight over the course of the fit."""

    term: Term
    weight: Schedule


@dataclass(frozen=True)
class Objective:
    """What a fit minimises.

    Attributes:
        start: Where the Gaussians come from.
        terms: By name; their weighted sum is minimised.
        depth: How depth is rendered for the terms; scores always take the expected depth.

    Raises:
        ConfigError: no term, or a weight that is no number from 0 on.
    """

    start: Start
    terms: Mapping[str, Weighted]
    depth: DepthRule = expected

    def __post_init__(self) -> None:
        if not self.terms:
            raise ConfigError("objective.terms: empty; a fit needs one term, such as colour_l1")
        for name, (_, schedule) in self.terms.items():
            for progress in (0.0, 1.0):
                require_number(f"objective.terms.{name}.weight", schedule(progress), 0)

    def __call__(
        self, rendered: Rendered, frame: ClipFrame, progress: float
    ) -> tuple[Float[Tensor, ""], dict[str, float]]:
        """The sum, and each term's part of it.

        Raises:
            DataError: a term is no longer a number.
        """
        total, parts = rendered.colour.new_zeros(()), {}
        for name, (term, schedule) in self.terms.items():
            weight = schedule(progress)
            if weight:
                part = weight * term(rendered, frame)
                total, parts[name] = total + part, float(part.detach())
        if not torch.isfinite(total):
            raise DataError(f"{frame.key}: the loss is no number any more ({parts}): lower a rate")
        return total, parts
