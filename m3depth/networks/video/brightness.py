"""What the light does to a point's colour from one frame to another, by class path.

Each model takes the target and how one source rebuilds it, and gives the target as it should look
in the source's light. The lamp moves with the endoscope, so that tissue darkens as it withdraws.
"""

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.geometry.rebuilding import Rebuilt
from m3depth.networks.video.pair_maps import PairMaps
from m3depth.validation import require_number

DARKEST = 1e-3  # of a colour; a power's slope is infinite at 0
MOST = 4.0  # times brighter or darker; more is no light but a wrong depth


class Brightness(Protocol):
    """A `torch.nn.Module` that calibrates the target's colours."""

    def __call__(self, target: Float[Tensor, "b 3 h w"], seen: Rebuilt) -> Float[Tensor, "b 3 h w"]:
        """The target in the source's light."""


class Unchanged(nn.Module):
    """Colours stay as they are."""

    def forward(self, target: Tensor, seen: Rebuilt) -> Tensor:
        """See `Brightness`."""
        return target


class Affine(nn.Module):
    """A gain and an offset for each pair and colour, which fit mean and spread (Endo-SfMLearner).

    They are found in closed form over the pixels that can be compared, and carry no gradient: else
    darkening the rebuilt image would be a way to make the error small.
    """

    def forward(self, target: Tensor, seen: Rebuilt) -> Tensor:
        """See `Brightness`."""
        keep = seen.comparable.to(target)
        mean, spread = _statistics(target, keep)
        their_mean, their_spread = _statistics(seen.image.detach(), keep)
        gain = (their_spread / spread).clamp(1 / MOST, MOST)
        few = keep.sum((2, 3), keepdim=True) < 1
        return torch.where(few, target, (target - mean) * gain + their_mean).clamp(0, 1)


class InverseSquare(nn.Module):
    """A lamp at the lens: light falls with the square of the distance; the camera adapts its gain.

    With the depth in mm and a lamp at a known place beside the lens, brightness tells the scale.
    """

    def __init__(
        self, gamma: float = 2.2, lamp_x: float = 0.0, lamp_y: float = 0.0, adapts: bool = True
    ) -> None:
        """Build it.

        Args:
            gamma: of the camera's response.
            lamp_x: where the lamp is in the camera's frame, to the right, in depth's unit.
            lamp_y: likewise, downwards.
            adapts: whether the camera's exposure changes; one factor for each pair is then fitted.
        """
        super().__init__()
        require_number("brightness.gamma", gamma, 0.1, 10)
        self.gamma, self.lamp, self.adapts = gamma, (lamp_x, lamp_y), adapts

    def forward(self, target: Tensor, seen: Rebuilt) -> Tensor:
        """See `Brightness`."""
        ratio = self._light(seen).clamp(1 / MOST, MOST) ** (1 / self.gamma)
        lit = target.clamp_min(DARKEST) * ratio
        if self.adapts:
            keep = seen.comparable.to(target)
            theirs, ours = (_statistics(one.detach(), keep)[0] for one in (seen.image, lit))
            gain = (theirs.mean(1, True) / ours.mean(1, True)).clamp(1 / MOST, MOST)
            lit = lit * gain
        return lit.clamp(0, 1)

    def _light(self, seen: Rebuilt) -> Float[Tensor, "b 1 h w"]:
        """How much more of the lamp's light a point gets in the source than in the target."""
        before = self._square_distance(seen.points)
        after = self._square_distance(seen.landing.points)
        return before / after.clamp_min(1e-12)

    def _square_distance(self, points: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        lamp = points.new_tensor([*self.lamp, 0.0])[:, None, None]
        return (points - lamp).square().sum(1, keepdim=True)


class AppearanceFlow(nn.Module):
    """A change of colour for each pixel, from a network of both images (AF-SfMLearner).

    It can explain every error away: train it with the terms that hold it smooth and near what the
    optical flow shows (`m3depth.losses.video.terms.Appearance`).
    """

    def __init__(self, encoder: str = "resnet18", pretrained: bool | str = False) -> None:
        """``encoder``, ``pretrained``: see `PairMaps`."""
        super().__init__()
        self.maps = PairMaps(encoder, pretrained, outputs=3)

    def forward(self, target: Tensor, seen: Rebuilt) -> Tensor:
        """See `Brightness`; where the source does not show the target, nothing is changed."""
        change = torch.tanh(self.maps(target, seen.registered.detach()))
        return (target + change * seen.comparable).clamp(0, 1)


def _statistics(image: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread of each colour over the pixels kept."""
    count = keep.sum((2, 3), keepdim=True).clamp_min(1)
    mean = (image * keep).sum((2, 3), keepdim=True) / count
    square = ((image - mean).square() * keep).sum((2, 3), keepdim=True) / count
    return mean, (square + 1e-6).sqrt()
