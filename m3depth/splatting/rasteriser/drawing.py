"""What a backend is, and what it returns."""

from typing import NamedTuple, Protocol

from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.profiles import Profile


class Aux(NamedTuple):
    """What densifying and pruning need."""

    visible: Bool[Tensor, " n"]  # touches the picture
    radii_px: Float[Tensor, " n"]  # three standard deviations or so; 0 where not visible
    screen: Float[Tensor, "*views n 2"]  # centres; `retain_grad` before backward gives ∂L/∂(x, y)


class Drawing(NamedTuple):
    """Sums over what each pixel shows, without a background."""

    colour: Float[Tensor, "c h w"]
    depth_sum: Float[Tensor, "1 h w"]  # Σ w z, mm
    weight: Float[Tensor, "1 h w"]  # Σ w, 0 to 1
    aux: Aux


class Backend(Protocol):
    """Draws Gaussians that are known to be drawable."""

    def __call__(self, gaussians: Gaussians, camera: Camera, profile: Profile) -> Drawing:
        """Draw."""
        ...
