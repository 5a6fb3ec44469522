"""The objective: named terms, weighted and added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from m3depth.geometry.synthesis import Views
from m3depth.losses.terms import Term
from m3depth.validation import require_number


class LossBreakdown(NamedTuple):
    """The total to descend; for the log each term's weighted share of it, and what was left out."""

    total: Float[Tensor, ""]
    terms: dict[str, Tensor]  # detached
    left_out: Int[Tensor, ""]  # samples that some term had no value for

    @classmethod
    def of(cls, terms: Mapping[str, Float[Tensor, ""]]) -> Self:
        """Of terms that are weighted already, each with a value for every sample."""
        total = torch.stack([value.float() for value in terms.values()]).sum()
        shares = {name: value.detach() for name, value in terms.items()}
        return cls(total, shares, torch.zeros_like(total, dtype=torch.long))


@dataclass(frozen=True)
class Objective:
    """Terms by name, as ``conf/objective/*.yaml`` composes them.

    Raises:
        ConfigError: a weight that is no number from 0 on.
    """

    terms: Mapping[str, Term]

    def __post_init__(self) -> None:
        for name, term in self.terms.items():
            require_number(f"objective.terms.{name}.weight", term.weight, 0)

    def __call__(self, pyramid: Sequence[Views]) -> LossBreakdown:
        """Weigh and add the terms over a pyramid, finest scale first."""
        found = {name: term(pyramid) for name, term in self.terms.items()}
        weighted = {name: self.terms[name].weight * one.mean() for name, one in found.items()}
        total = torch.stack([value.float() for value in weighted.values()]).sum()
        missing = torch.stack([~one.counted for one in found.values()]).any(0)
        shares = {name: value.detach() for name, value in weighted.items()}
        return LossBreakdown(total, shares, missing.sum())
