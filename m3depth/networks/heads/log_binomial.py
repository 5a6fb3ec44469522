"""Probabilities of ordered bins (ZoeDepth, section 3.2)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

LEAST = 1e-4  # added to what a share is made of, and the least probability
TEMPERATURES = (0.0212, 50.0)


class LogBinomial(nn.Module):
    """A binomial distribution over the bins for each pixel, with a temperature of its own.

    Neighbouring bins are depths near each other; a softmax over free logits would not know that.
    """

    def __init__(self, features: int, embedding: int, bins: int) -> None:
        """``features`` and ``embedding`` are the channels of its two inputs, joined."""
        super().__init__()
        hidden = (features + embedding) // 2
        self.bins = bins
        self.to_shares = nn.Sequential(
            nn.Conv2d(features + embedding, hidden, 1), nn.GELU(), nn.Conv2d(hidden, 4, 1)
        )

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n h w"]:
        """Probabilities, which sum to 1 over the bins; float32 in, float32 out."""
        parts = functional.softplus(self.to_shares(features)) + LEAST
        p, not_p, hot, cold = torch.split(parts, 1, 1)
        low, high = TEMPERATURES
        return log_binomial(p / (p + not_p), low + (high - low) * hot / (hot + cold), self.bins)


def log_binomial(
    p: Float[Tensor, "b 1 h w"], temperature: Float[Tensor, "b 1 h w"], bins: int
) -> Float[Tensor, "b n h w"]:
    """``softmax_k((log C(n, k) + k log p + (n - k) log(1 - p)) / T)``, n = bins - 1.

    The binomial coefficient is Stirling's, without its square root, as ZoeDepth has it:
    ``log C(n, k) = n log n - k log k - (n - k) log(n - k)``.
    """
    n = bins - 1
    k = torch.arange(bins, device=p.device, dtype=p.dtype)[None, :, None, None]
    whole = torch.full_like(k, n)
    coefficient = torch.xlogy(whole, whole) - torch.xlogy(k, k) - torch.xlogy(n - k, n - k)
    yes, no = p.clamp_min(LEAST).log(), (1 - p).clamp_min(LEAST).log()
    return torch.softmax((coefficient + k * yes + (n - k) * no) / temperature, 1)
