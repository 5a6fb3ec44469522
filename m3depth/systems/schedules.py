"""Learning-rate schedules over a run of known length, one value a step."""

import math
from collections.abc import Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def halving(optimizer: Optimizer, steps: int, at: Sequence[float] = (0.6, 0.8)) -> LambdaLR:
    """Halve at shares of the run: M3Depth's recipe, epochs 30 and 40 of 50."""
    return LambdaLR(optimizer, lambda step: 0.5 ** sum(step >= share * steps for share in at))


def cosine(optimizer: Optimizer, steps: int, warmup: float = 0.05, end: float = 0.01) -> LambdaLR:
    """Rise linearly over the share ``warmup``, then fall as a half cosine to ``end``."""

    def factor(step: int) -> float:
        rise = max(1, round(warmup * steps))
        if step < rise:
            return (step + 1) / rise
        done = min(1.0, (step - rise) / max(1, steps - rise))
        return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * done))

    return LambdaLR(optimizer, factor)
