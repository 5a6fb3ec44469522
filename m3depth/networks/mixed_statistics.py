"""Features with another image's mean and deviation, while training."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

LAYERS = 2  # the first feature maps: later ones hold what is seen more than how
ALPHA = 0.1  # of the Beta distribution: most often nearly one's own or nearly the other's
EPSILON = 1e-6  # of a variance


def mix_statistics(backbone: Any, chance: float) -> None:
    """MixStyle (Zhou et al. 2021, arXiv 2104.02008, section 3.1) on a timm encoder.

    While training, in that share of the batches, the mean and deviation of each channel of an
    image's first feature maps become a mix of its own and another image's of the batch.
    """
    modules = dict(backbone.named_modules())
    for name in backbone.feature_info.module_name()[:LAYERS]:
        module = modules.get(name) or modules[name.replace(".", "_")]  # one timm wrapper's names
        module.register_forward_hook(_Mix(chance))


class _Mix:
    def __init__(self, chance: float) -> None:
        self.chance = chance

    def __call__(self, module: nn.Module, _: Any, features: Tensor) -> Tensor:
        if not module.training or torch.rand(()) >= self.chance:
            return features
        return mixed(features)


def mixed(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Each image's with another's statistics, as far as a draw says; no gradient through those."""
    variance, mean = torch.var_mean(features.detach(), (2, 3), keepdim=True)
    deviation = (variance + EPSILON).sqrt()
    share = torch.distributions.Beta(ALPHA, ALPHA).sample((len(features), 1, 1, 1)).to(features)
    other = torch.randperm(len(features), device=features.device)
    new_mean = share * mean + (1 - share) * mean[other]
    new_deviation = share * deviation + (1 - share) * deviation[other]
    return (features - mean) / deviation * new_deviation + new_mean
