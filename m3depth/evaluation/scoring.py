"""One frame's numbers under one protocol."""

from itertools import pairwise

from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.evaluation import alignment
from m3depth.evaluation.metrics import (
    DEPTH_BINS_MM,
    DEPTH_METRICS,
    DISPARITY_METRICS,
    bin_name,
    mae_by_depth,
    score,
)
from m3depth.evaluation.protocol import Compared, Protocol
from m3depth.evaluation.surfaces import WITHIN_MM, score_cloud, score_normals
from m3depth.evaluation.truth import Prediction, Truth, size_of
from m3depth.geometry.disparity import depth_from_disparity
from m3depth.types import StereoBatch

RATIO = "scale_ratio"  # columns of a frame's row that are no metric
VALID = "valid_pixels"

PIXEL_METRICS = tuple(metric.__name__ for metric in DEPTH_METRICS + DISPARITY_METRICS)
METRICS = (
    *PIXEL_METRICS,
    *(bin_name(low, high) for low, high in pairwise(DEPTH_BINS_MM)),
    *("accuracy_mm", "completeness_mm", "chamfer_mm"),
    *(f"fscore_{near}mm" for near in WITHIN_MM),
    *("normal_deg", "flicker_mm", "ssim", "psnr", "density"),
)


def score_depth(compared: Compared) -> dict[str, float]:
    """Every number of a frame that needs its true depth.

    A pixel without a prediction is scored as an error of its whole depth, never left out;
    ``density``, the share of pixels with one, is there for a prediction with holes.
    """
    truth, counts = compared.truth, compared.truth.counts
    true_mm, depth_mm = truth.depth_mm[counts], compared.depth_mm[counts]
    surfaces = compared.depth_mm, truth.depth_mm, counts, truth.rig
    return {
        **score_pixels(compared, counts),
        **mae_by_depth(depth_mm, true_mm),
        **score_cloud(*surfaces),
        **score_normals(*surfaces),
        **scale_ratio(compared),
        VALID: int(counts.sum()),
        **_density(compared),
    }


def score_answers(compared: Compared) -> dict[str, float]:
    """The numbers of a baseline that is not asked for an answer everywhere: where it gives one."""
    counts = compared.truth.counts
    if compared.given is not None:
        counts = counts & compared.given
    kept = ("mae_mm", "abs_rel", "epe_px")
    scores = score_pixels(compared, counts) if counts.any() else {}
    return {name: scores[name] for name in kept if name in scores} | _density(compared)


def score_pixels(compared: Compared, counts: Bool[Tensor, "1 1 H W"]) -> dict[str, float]:
    """Depth and disparity metrics over some pixels.

    The disparity metrics are of the disparity as it is: an alignment is one of depth.
    """
    truth = compared.truth
    depth = compared.depth_mm[counts].double(), truth.depth_mm[counts].double()
    disparity = compared.disparity_px[counts].double(), truth.disparity_px[counts].double()
    return {**score(DEPTH_METRICS, *depth), **score(DISPARITY_METRICS, *disparity)}


def scale_ratio(compared: Compared) -> dict[str, float]:
    """``median(true) / median(predicted)`` before any alignment."""
    known = compared.truth.counts & (compared.raw_mm > 0)
    if not known.any():
        return {}
    return {RATIO: alignment.median(compared.raw_mm[known], compared.truth.depth_mm[known]).scale}


def scored_depth(
    prediction: Prediction, batch: StereoBatch, truth: Truth | None, protocol: Protocol
) -> Float[Tensor, "1 1 H W"] | None:
    """The whole predicted depth map, 0 = not known, for pictures; None without a calibration.

    At the resolution of the truth and aligned to it if there is one, else at the image's.
    """
    if not bool(batch["rig"].calibrated):
        return None
    compared = protocol.compare(prediction, truth) if truth is not None else None
    if compared is not None:
        return compared.fitted_mm
    here = prediction.at(size_of(batch["left"]))
    depth_mm = depth_from_disparity(here.fraction * here.fraction.shape[-1], batch["rig"])
    return depth_mm if here.given is None else depth_mm * here.given


def _density(compared: Compared) -> dict[str, float]:
    if compared.given is None:
        return {}
    counts = compared.truth.counts
    return {"density": compared.given[counts].double().mean().item()}
