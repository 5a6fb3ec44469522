"""The objective: named terms, weighted and added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.geometry.synthesis import Views
from m3depth.losses.terms import Term


class LossBreakdown(NamedTuple):
    """The total to descend, and each term's weighted share of it, detached, for the log."""

    total: Float[Tensor, ""]
    terms: dict[str, Tensor]


@dataclass(frozen=True)
class Objective:
    """Terms by name, as ``conf/objective/*.yaml`` composes them."""

    terms: Mapping[str, Term]

    def __call__(self, pyramid: Sequence[Views]) -> LossBreakdown:
        """Weigh and add the terms over a pyramid, finest scale first."""
        weighted = {name: term.weight * term(pyramid) for name, term in self.terms.items()}
        total = torch.stack([value.float() for value in weighted.values()]).sum()
        return LossBreakdown(total, {name: value.detach() for name, value in weighted.items()})
