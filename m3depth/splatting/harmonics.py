"""Colours that change with the direction they are seen from: real spherical harmonics."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from m3depth.errors import DataError
from m3depth.splatting.rasteriser.camera import Camera

HIGHEST_DEGREE = 3


def basis(directions: Float[Tensor, "n 3"], degree: int) -> Float[Tensor, "n k"]:
    """The ``k = (degree + 1)²`` real spherical harmonics at unit vectors.

    Orthonormal over the sphere, by degree and then by order from ``-l`` to ``l``: ``√2 Im Y_l^|m|``
    below 0 and ``√2 Re Y_l^m`` above, with the sign ``(-1)^m`` of Condon and Shortley left in. It
    is the order and the sign that 3D Gaussian splatting's PLY files have.

    Raises:
        DataError: the degree is not 0 to 3.
    """
    if not 0 <= degree <= HIGHEST_DEGREE:
        raise DataError(f"spherical harmonics of degree {degree}: 0 to {HIGHEST_DEGREE} are known")
    x, y, z = directions.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    one, two, three = (math.sqrt(n / (4 * math.pi)) for n in (3, 15, 105))
    outer, inner = math.sqrt(35 / (32 * math.pi)), math.sqrt(21 / (32 * math.pi))
    by_degree = (
        [torch.full_like(x, math.sqrt(1 / (4 * math.pi)))],
        [-one * y, one * z, -one * x],
        [
            two * x * y,
            -two * y * z,
            math.sqrt(5 / (16 * math.pi)) * (2 * zz - xx - yy),
            -two * x * z,
            two / 2 * (xx - yy),
        ],
        [
            -outer * y * (3 * xx - yy),
            three * x * y * z,
            -inner * y * (4 * zz - xx - yy),
            math.sqrt(7 / (16 * math.pi)) * z * (2 * zz - 3 * xx - 3 * yy),
            -inner * x * (4 * zz - xx - yy),
            three / 2 * z * (xx - yy),
            -outer * x * (xx - 3 * yy),
        ],
    )
    return torch.stack([one for part in by_degree[: degree + 1] for one in part], -1)


def view_colours(
    coefficients: Float[Tensor, "n k c"], means_mm: Float[Tensor, "n 3"], camera: Camera
) -> Float[Tensor, "n c"]:
    """``max(0, 1/2 + Σ_k coefficient_k · basis_k)`` towards each Gaussian, of 1, 4, 9 or 16 each.

    Gradients reach the coefficients, the means (through the direction) and the camera.

    Raises:
        DataError: another number of coefficients.
    """
    degree = math.isqrt(coefficients.shape[1]) - 1
    if (degree + 1) ** 2 != coefficients.shape[1]:
        raise DataError(
            f"{coefficients.shape[1]} coefficients of spherical harmonics: it must be 1, 4, 9 or 16"
        )
    directions = normalize(means_mm - camera.centre_mm.to(means_mm), dim=-1)
    shown = torch.einsum("nk,nkc->nc", basis(directions, degree), coefficients)
    return (shown + 0.5).clamp_min(0)
