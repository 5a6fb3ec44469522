"""How a fit is made."""

from collections.abc import Mapping
from dataclasses import dataclass

from m3depth.errors import ConfigError
from m3depth.splatting.harmonics import HIGHEST_DEGREE
from m3depth.splatting.model.density import Density
from m3depth.splatting.model.splats import PARAMETERS
from m3depth.splatting.rasteriser import own_backend
from m3depth.splatting.rasteriser.drawing import Backend
from m3depth.splatting.rasteriser.profiles import GSPLAT, Profile
from m3depth.validation import require_number


@dataclass(frozen=True)
class Recipe:
    """How a fit is made, whatever its objective.

    Attributes:
        iterations: One frame is drawn in each.
        bumps: Of the motion, spread evenly over the clip at the start.
        degree: Of the spherical harmonics, 0 to 3.
        opacity: Of each Gaussian at the start.
        rates: Adam's step for each parameter of `Splats`.
        settle: Share of their rates that means and moves end with.
        density: When Gaussians are added and removed.
        profile: The rasteriser's constants.
        backend: The rasteriser that draws.
        seed: Of the frames' order and of everything drawn at random.

    Raises:
        ConfigError: a number out of its range, a missing or an unknown rate.
    """

    iterations: int
    bumps: int
    degree: int
    opacity: float
    rates: Mapping[str, float]
    settle: float
    density: Density
    profile: Profile = GSPLAT
    backend: Backend = own_backend.draw
    seed: int = 0

    def __post_init__(self) -> None:
        require_number("recipe.iterations", self.iterations, 1, whole=True)
        require_number("recipe.bumps", self.bumps, 0, whole=True)
        require_number("recipe.degree", self.degree, 0, HIGHEST_DEGREE, whole=True)
        require_number("recipe.opacity", self.opacity, 0.001, 0.999)
        require_number("recipe.settle", self.settle, 1e-6, 1)
        require_number("recipe.seed", self.seed, 0, whole=True)
        for name, rate in self.rates.items():
            require_number(f"recipe.rates.{name}", rate, 0)
        odd = sorted(self.rates.keys() ^ set(PARAMETERS))
        if odd:
            raise ConfigError(f"recipe.rates: {', '.join(odd)}: it takes {', '.join(PARAMETERS)}")
