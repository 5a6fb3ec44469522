"""One frame's numbers under one protocol."""

from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.evaluation import alignment
from m3depth.evaluation.compared import Compared
from m3depth.evaluation.metrics import (
    DEPTH_BINS_MM,
    DEPTH_METRICS,
    DISPARITY_METRICS,
    mae_by_depth,
    score,
)
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.relative_truth import RMSE_DISPARITY
from m3depth.evaluation.surface_metrics import FSCORE_MM, score_cloud, score_normals
from m3depth.evaluation.truth import Truth
from m3depth.geometry.resizing import at_size, size_of
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

RATIO = "scale_ratio"  # columns of a frame's row that are no metric
VALID = "valid_pixels"

METRICS = (
    *(*DEPTH_METRICS, *DISPARITY_METRICS),
    *DEPTH_BINS_MM,
    *("accuracy_mm", "completeness_mm", "chamfer_mm"),
    *(f"fscore_{near}mm" for near in FSCORE_MM),
    *("normal_deg", "normal_share", "flicker_mm", "ssim", "psnr", "density", RMSE_DISPARITY),
)


def score_depth(compared: Compared) -> dict[str, float]:
    """Every number of a frame that needs its true depth.

    A hole of the prediction (``given`` is False) is not scored, neither as an error nor as none,
    as in SCARED's toolkit, which also tells the share that is left. ``density``, the share of the
    pixels that count with a prediction, is there wherever there may be holes: read the errors
    beside it. A network has no holes: where it says that a point is infinitely far, that is an
    error of the point's whole depth. (KITTI's server fills holes before it scores; Middlebury's
    counts them as bad pixels and leaves them out of its mean error.) Of the surfaces,
    ``completeness_mm`` is over all true points, so that holes cost there. No score at all where
    nothing is predicted.
    """
    truth, scored = compared.truth, compared.answered
    if not scored.any():
        return _density(compared)
    true_mm, depth_mm = truth.depth_mm[scored], compared.depth_mm[scored]
    known = scored & (compared.fitted_mm > 0)  # a hole is no surface
    return {
        **score_pixels(compared, scored),
        **mae_by_depth(depth_mm, true_mm),
        **score_cloud(compared.depth_mm, truth.depth_mm, scored, truth.counts, truth.rig),
        **score_normals(compared.depth_mm, truth.depth_mm, known, truth.counts, truth.rig),
        **scale_ratio(compared),
        VALID: int(scored.sum()),
        **_density(compared),
    }


def score_answers(compared: Compared) -> dict[str, float]:
    """The numbers of a baseline that is not asked for an answer everywhere: where it gives one."""
    scored = compared.answered
    kept = ("mae_mm", "abs_rel", "epe_px")
    scores = score_pixels(compared, scored) if scored.any() else {}
    return {name: scores[name] for name in kept if name in scores} | _density(compared)


def score_pixels(compared: Compared, counts: Bool[Tensor, "1 1 H W"]) -> dict[str, float]:
    """Depth and disparity metrics over some pixels.

    The disparity metrics are of the disparity as it is: an alignment is one of depth.
    """
    truth = compared.truth
    depth = compared.depth_mm[counts].double(), truth.depth_mm[counts].double()
    if compared.disparity is None:
        return score(DEPTH_METRICS, *depth)
    disparity = compared.disparity.values[counts].double(), truth.disparity_px[counts].double()
    return {**score(DEPTH_METRICS, *depth), **score(DISPARITY_METRICS, *disparity)}


def scale_ratio(compared: Compared) -> dict[str, float]:
    """``median(true) / median(predicted)`` before any alignment."""
    truth, raw_mm = compared.truth, compared.raw_mm
    if raw_mm is None:
        return {}
    known = truth.counts & (raw_mm > 0)
    if not known.any():
        return {}
    return {RATIO: alignment.median(raw_mm[known], truth.depth_mm[known]).scale}


def scored_depth(
    prediction: DepthMap, batch: StereoBatch, truth: Truth | None, protocol: Protocol
) -> Float[Tensor, "1 1 H W"] | None:
    """The whole predicted depth map, 0 = not known, for pictures; None where there is none.

    At the resolution of the truth and aligned to it if there is one, else at the image's.
    """
    compared = protocol.compare(prediction, truth) if truth is not None else None
    if compared is not None:
        return compared.fitted_mm
    here = at_size(prediction, size_of(batch["left"])).seen_by(batch["rig"])
    disparity = here.kind in (Kind.FRACTION, Kind.DISPARITY)
    if here.scale is not Scale.METRIC or (disparity and not bool(batch["rig"].calibrated)):
        return None
    depth_mm = here.to(Kind.DEPTH).values
    return depth_mm if here.known is None else depth_mm * here.known


def _density(compared: Compared) -> dict[str, float]:
    if compared.given is None:
        return {}
    counts = compared.truth.counts
    return {"density": compared.given[counts].double().mean().item()}
