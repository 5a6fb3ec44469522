"""Motion over time as a sum of a few bumps (the idea of Deform3DGS; Yang et al. 2024)."""

import torch
from jaxtyping import Float
from torch import Tensor


def bumps(
    time: float, centres: Float[Tensor, " b"], log_widths: Float[Tensor, " b"]
) -> Float[Tensor, " b"]:
    """``exp(-((t - c) / w)² / 2)`` of each bump at a time from 0 to 1; 1 at its centre."""
    return torch.exp(-((time - centres) / log_widths.exp()).square() / 2)


def spread_evenly(count: int) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Centres from 0 to 1 and the logarithms of their widths, each the distance to the next."""
    distance = 1 / max(count - 1, 1)
    return torch.linspace(0, 1, count), torch.full((count,), distance).log()


def summed(
    at_rest: Float[Tensor, "n c"], weights: Float[Tensor, "n b c"], heights: Float[Tensor, " b"]
) -> Float[Tensor, "n c"]:
    """A property at rest, and what the bumps add to it."""
    return at_rest + torch.einsum("nbc,b->nc", weights, heights)
