"""What `predict` leaves per frame: the numbers, a picture and, if wanted, a cloud."""

from pathlib import Path

import numpy as np
import torch

from m3depth.files import Array, write_bytes, write_npz, write_png
from m3depth.priors.cloud import back_projected, ply
from m3depth.priors.prior import DepthPrior

# Without a calibration a picture is coloured as if the camera were a da Vinci's: b·fx / W in mm
STAND_IN_MM = 4.65


def write_prediction(
    prior: DepthPrior, stem: Path, near_mm: float, far_mm: float, ply: bool = False
) -> None:
    """Write ``stem.npz``, ``stem.png`` and, on ``ply``, ``stem.ply``.

    The .npz holds float32 ``depth_mm``, ``disparity_px``, ``confidence`` (h, w) and ``intrinsics``
    (3, 3). Without a calibration ``depth_mm`` and ``intrinsics`` are left out. The .npz comes last,
    so that a frame that has one is complete.

    Args:
        prior: The prediction.
        stem: The files' path without suffix.
        near_mm: The picture's colour range, to be kept over a sequence.
        far_mm: Its other end.
        ply: Also write the points, in millimetres in the left camera's frame, with their colours.

    Raises:
        UserError: the folder cannot be written to, or ``ply`` without a calibration.
    """
    if ply:
        prior.require_millimetres()
        write_bytes(_beside(stem, ".ply"), _ply(prior))
    write_png(_beside(stem, ".png"), picture(prior, near_mm, far_mm))
    write_npz(_beside(stem, ".npz"), **arrays(prior))


def arrays(prior: DepthPrior) -> dict[str, Array]:
    """The numbers by their names in the .npz."""
    known = {"disparity_px": prior.disparity_px[0], "confidence": prior.confidence[0]}
    if prior.rig.calibrated:
        known |= {"depth_mm": prior.depth_mm[0], "intrinsics": prior.rig.matrix()}
    return {name: values.numpy().astype(np.float32) for name, values in known.items()}


def picture(prior: DepthPrior, near_mm: float, far_mm: float) -> Array:
    """Inverse depth in colours over a fixed range, (h, w, 3) of 8 bits."""
    from m3depth.report.figures import colour_inverse_depth

    depth_mm = prior.depth_mm
    if not prior.rig.calibrated:
        share = prior.disparity_px / prior.size[1]
        depth_mm = torch.where(share > 0, STAND_IN_MM / share, 0.0)
    return colour_inverse_depth(depth_mm[0].numpy(), near_mm, far_mm)


def _beside(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)  # a name may hold a dot, so not `with_suffix`


def _ply(prior: DepthPrior) -> bytes:
    depth_mm = prior.depth_mm[0].numpy()
    image = (prior.image * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    K = prior.rig.matrix().double().numpy()
    return ply(back_projected(depth_mm, image, depth_mm > 0, K, np.eye(4)))
