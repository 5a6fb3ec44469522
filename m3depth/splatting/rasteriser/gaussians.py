"""What is drawn: Gaussians in millimetres."""

import dataclasses
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.errors import DataError


@dataclass(frozen=True)
class Gaussians:
    """``n`` Gaussians in the world's frame, as they are drawn: no logarithms, no logits.

    Attributes:
        means_mm: Centres.
        quaternions: Rotations of the axes, (w, x, y, z), of any length but 0.
        scales_mm: Standard deviations along the axes, above 0.
        opacities: 0 to 1, of the centre.
        colours: As this camera sees them, any number of channels; from spherical harmonics with
            `m3depth.splatting.harmonics.view_colours`.
    """

    means_mm: Float[Tensor, "n 3"]
    quaternions: Float[Tensor, "n 4"]
    scales_mm: Float[Tensor, "n 3"]
    opacities: Float[Tensor, " n"]
    colours: Float[Tensor, "n c"]

    def __len__(self) -> int:
        return len(self.means_mm)

    def at_least_single(self) -> "Gaussians":
        """In float32 where they have 16 bits: places and sums need the digits."""
        fields = (getattr(self, one.name) for one in dataclasses.fields(self))
        return Gaussians(*(f.to(torch.promote_types(f.dtype, torch.float32)) for f in fields))

    def require_drawable(self) -> None:
        """Stop before a NaN reaches the image.

        Raises:
            DataError: a number that is not finite or that cannot be drawn: which, and where.
        """
        opacities, scales = self.opacities, self.scales_mm
        good = {
            "means_mm": self.means_mm.isfinite(),
            "quaternions": self.quaternions.isfinite() & (self.quaternions != 0).any(1)[:, None],
            "scales_mm": scales.isfinite() & (scales > 0),
            "opacities": (opacities >= 0) & (opacities <= 1),
            "colours": self.colours.isfinite(),
        }
        for name, one in good.items():
            if not one.all():
                raise DataError(self._first_bad(name, one))

    def _first_bad(self, name: str, good: Bool[Tensor, "n *k"]) -> str:
        bad = ~good.reshape(len(self), -1).all(1)
        index = int(bad.nonzero()[0])
        value = getattr(self, name)[index].tolist()
        return f"Gaussian {index} of {len(self)}: {name} = {value}; it must be {EXPECTED[name]}"


EXPECTED = {
    "means_mm": "a finite place: was a step too large, or a gradient NaN?",
    "quaternions": "a finite rotation (w, x, y, z), not all 0",
    "scales_mm": "finite and above 0: the exponential of a log-scale",
    "opacities": "0 to 1: the sigmoid of a logit",
    "colours": "a finite number: was a step too large, or a gradient NaN?",
}
