"""How wrong estimated cameras are."""

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from m3depth.types import StereoRig

Numbers = Float64[NDArray[np.float64], " n"]


def score_cameras(estimated: StereoRig, true: StereoRig, width: int) -> dict[str, object]:
    """Errors of K, frame by frame: their means, and the largest.

    ``fx_share`` and ``fy_share`` are errors of the focal lengths as a share of the true ones;
    ``principal_px`` the distance between both principal points, ``principal_share`` that as a share
    of the image's width. ``focal_ratio`` is the true focal length over the estimated one: a global
    error of the focal length shows there, and in the shares. In ``scale_adjusted`` each frame's K
    is multiplied beforehand by the mean of its true focal lengths over its estimated ones, as the
    release of EndoSfM3D does (arXiv 2510.22359): a global error of the focal length cannot show.

    Args:
        estimated: Fields (n,), pixels.
        true: Of the same frames at the same resolution.
        width: Of the images.
    """
    found, there = (_columns(one) for one in (estimated, true))
    ratio = (there[:, :2] / found[:, :2]).mean(1)
    adjusted = found * ratio[:, None]
    errors = _errors(found, there, width)
    record: dict[str, object] = {"frames": len(there), "focal_ratio": float(ratio.mean())}
    record |= {name: float(values.mean()) for name, values in errors.items()}
    record |= {f"{name}_max": float(values.max()) for name, values in errors.items()}
    after = _errors(adjusted, there, width)
    return record | {"scale_adjusted": {name: float(v.mean()) for name, v in after.items()}}


def _errors(
    found: NDArray[np.float64], there: NDArray[np.float64], width: int
) -> dict[str, Numbers]:
    off = np.abs(found - there)
    away = np.hypot(off[:, 2], off[:, 3])
    return {
        "fx_share": off[:, 0] / there[:, 0],
        "fy_share": off[:, 1] / there[:, 1],
        "cx_px": off[:, 2],
        "cy_px": off[:, 3],
        "principal_px": away,
        "principal_share": away / width,
        "frobenius_px": np.linalg.norm(off, axis=1),
    }


def _columns(cameras: StereoRig) -> Float64[NDArray[np.float64], "n 4"]:
    """The four numbers of each K."""
    rows = torch.stack([cameras.fx, cameras.fy, cameras.cx, cameras.cy], dim=-1)
    return np.asarray(rows.double().cpu().numpy(), np.float64)
