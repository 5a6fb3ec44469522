"""The Gaussians that are fitted: numbers without bounds, and how they move."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.splatting.harmonics import view_colours
from m3depth.splatting.model.bumps import bumps, spread_evenly, summed
from m3depth.splatting.model.start import Points
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians

OF_TIME = ("centres", "log_widths")
FIRST_HARMONIC = 0.28209479177387814  # √(1 / 4π), of the constant one


class Splats(nn.Module):
    """``n`` Gaussians, whose place, rotation and size are sums of ``b`` bumps over time.

    Built from its own ``state_dict``: the parameters' shapes are whatever the fit has come to.

    Attributes:
        means_mm: (n, 3), at rest, in the world.
        log_scales: (n, 3), of standard deviations in mm.
        quaternions: (n, 4), (w, x, y, z) of any length but 0.
        logits: (n,), of opacities.
        harmonics: (n, k, 3), see `view_colours`.
        moves_mm: (n, b, 3), what a bump of height 1 adds to the mean.
        turns: (n, b, 4), to the quaternion.
        stretches: (n, b, 3), to the logarithm of the scales.
        centres: (b,), times of the bumps, 0 to 1.
        log_widths: (b,).
    """

    means_mm: Tensor
    log_scales: Tensor
    quaternions: Tensor
    logits: Tensor
    harmonics: Tensor
    moves_mm: Tensor
    turns: Tensor
    stretches: Tensor
    centres: Tensor
    log_widths: Tensor

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name, value in state.items():
            self.register_parameter(name, nn.Parameter(value.clone()))

    def __len__(self) -> int:
        return len(self.means_mm)

    @property
    def per_gaussian(self) -> dict[str, nn.Parameter]:
        """The parameters of which each Gaussian has a row, by name."""
        return {name: one for name, one in self.named_parameters() if name not in OF_TIME}

    def at(self, time: float, camera: Camera) -> Gaussians:
        """What a camera draws at a time."""
        heights = bumps(time, self.centres, self.log_widths)
        means_mm = summed(self.means_mm, self.moves_mm, heights)
        return Gaussians(
            means_mm=means_mm,
            quaternions=summed(self.quaternions, self.turns, heights),
            scales_mm=summed(self.log_scales, self.stretches, heights).exp(),
            opacities=self.logits.sigmoid(),
            colours=view_colours(self.harmonics, means_mm, camera),
        )

    @torch.no_grad()
    def at_rest(self, time: float) -> dict[str, Float[Tensor, "n *k"]]:
        """The parameters of a scene that stands still as it is at a time."""
        heights = bumps(time, self.centres, self.log_widths)
        return {
            "means_mm": summed(self.means_mm, self.moves_mm, heights),
            "log_scales": summed(self.log_scales, self.stretches, heights),
            "quaternions": summed(self.quaternions, self.turns, heights),
            "logits": self.logits.clone(),
            "harmonics": self.harmonics.clone(),
        }


PARAMETERS = tuple(Splats.__annotations__)


def still(points: Points, bumps: int, degree: int, opacity: float) -> dict[str, Tensor]:
    """The state of round Gaussians at points, which do not move yet; see `Recipe` for the rest."""
    count = len(points.means_mm)
    harmonics = torch.zeros(count, (degree + 1) ** 2, 3)
    harmonics[:, 0] = (points.colours - 0.5) / FIRST_HARMONIC
    centres, log_widths = spread_evenly(bumps)
    return {
        "means_mm": points.means_mm,
        "log_scales": points.scales_mm.log()[:, None].expand(-1, 3),
        "quaternions": torch.tensor([1.0, 0.0, 0.0, 0.0]).expand(count, -1),
        "logits": torch.full((count,), opacity).logit(),
        "harmonics": harmonics,
        "moves_mm": torch.zeros(count, bumps, 3),
        "turns": torch.zeros(count, bumps, 4),
        "stretches": torch.zeros(count, bumps, 3),
        "centres": centres,
        "log_widths": log_widths,
    }
