"""The objective: named terms, weighted and added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, NamedTuple, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from m3depth.errors import ConfigError
from m3depth.geometry.synthesis import Views
from m3depth.losses.terms import Seen, TermOf
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
class WeightedTerms(Generic[Seen]):
    """Terms by name, as ``conf/objective/*.yaml`` composes them.

    Attributes:
        terms: By name.
        looks_at: What each scale of a pyramid must be.

    Raises:
        ConfigError: a weight that is no number from 0 on.
    """

    terms: Mapping[str, TermOf[Seen]]
    looks_at: ClassVar[type]

    def __post_init__(self) -> None:
        for name, term in self.terms.items():
            require_number(f"objective.terms.{name}.weight", term.weight, 0)

    def __call__(self, pyramid: Sequence[Seen]) -> LossBreakdown:
        """Weigh and add the terms over a pyramid, finest scale first.

        Raises:
            ConfigError: the terms look at something else than the training system gives.
        """
        if not all(isinstance(scale, self.looks_at) for scale in pyramid):
            raise ConfigError(
                f"objective: its terms look at {self.looks_at.__name__}, and this system gives "
                f"{type(pyramid[0]).__name__}: choose an objective that fits system="
            )
        found = {name: term(pyramid) for name, term in self.terms.items()}
        weighted = {name: self.terms[name].weight * one.mean() for name, one in found.items()}
        missing = torch.stack([~one.counted for one in found.values()]).any(0)
        return LossBreakdown.of(weighted)._replace(left_out=missing.sum())


class Objective(WeightedTerms[Views]):
    """Of views rebuilt from each other: for `StereoDepth`."""

    looks_at = Views
