"""How metrics are shown to a reader: words, units, digits."""

from typing import NamedTuple

from m3depth.evaluation.metrics import DEPTH_BINS_MM
from m3depth.evaluation.result import Result
from m3depth.evaluation.surface_metrics import FSCORE_MM


class MetricLabel(NamedTuple):
    """How a metric is shown to a reader."""

    what: str
    unit: str
    better: str  # the arrow: which way is better
    digits: int


METRIC_LABELS = {
    "mae_mm": MetricLabel("mean absolute error of depth", "mm", "↓", 2),
    "abs_rel": MetricLabel("error relative to the true depth", "", "↓", 4),
    "sq_rel_mm": MetricLabel("squared error relative to the true depth", "mm", "↓", 3),
    "rmse_mm": MetricLabel("root mean squared error of depth", "mm", "↓", 2),
    "rmse_log": MetricLabel("root mean squared error of log depth", "", "↓", 4),
    "d1": MetricLabel("pixels within a factor 1.25", "", "↑", 4),
    "d2": MetricLabel("pixels within a factor 1.25²", "", "↑", 4),
    "d3": MetricLabel("pixels within a factor 1.25³", "", "↑", 4),
    "epe_px": MetricLabel("mean absolute error of disparity", "px", "↓", 3),
    "rmse_px": MetricLabel("root mean squared error of disparity", "px", "↓", 3),
    "bad2": MetricLabel("pixels whose disparity is off by more than 2 px", "", "↓", 4),
    "bad3": MetricLabel("pixels whose disparity is off by more than 3 px", "", "↓", 4),
    **{
        name: MetricLabel(f"error at depths of {low} to {high} mm", "mm", "↓", 2)
        for name, (low, high) in DEPTH_BINS_MM.items()
    },
    "accuracy_mm": MetricLabel("from a predicted point to the nearest true one", "mm", "↓", 2),
    "completeness_mm": MetricLabel("from a true point to the nearest predicted one", "mm", "↓", 2),
    "chamfer_mm": MetricLabel("mean of accuracy and completeness", "mm", "↓", 2),
    **{
        f"fscore_{near}mm": MetricLabel(f"points within {near} mm of the other cloud", "", "↑", 4)
        for near in FSCORE_MM
    },
    "normal_deg": MetricLabel("mean angle between surface normals", "°", "↓", 2),
    "normal_share": MetricLabel("true surface normals that have a predicted one", "", "↑", 4),
    "flicker_mm": MetricLabel("change between frames beyond the camera's motion", "mm", "↓", 2),
    "ssim": MetricLabel("similarity (SSIM) of the left view rebuilt from the right", "", "↑", 4),
    "psnr": MetricLabel("the same, as peak signal-to-noise ratio", "dB", "↑", 2),
    "rmse_disparity": MetricLabel("RMS error of relative inverse depth, truth in 0..1", "", "↓", 4),
    "density": MetricLabel("pixels for which the method gives an answer", "", "↑", 4),
}
BASELINE_TITLES = {
    "mean_depth": "mean of the training depths",
    "sgbm": "SGBM, sees both images",
    "constant_disparity": "best constant disparity",
    "frontal": "always facing the camera",
    "best_shift": "best single shift",
    "truth": "the truth itself",
}


def number(name: str, value: float) -> str:
    """A metric's value with the digits that mean something."""
    return f"{value:.{METRIC_LABELS[name].digits}f}"


def interval(name: str, result: Result) -> str:
    """The metric's confidence interval; "" without one."""
    if name not in result.intervals:
        return ""
    low, high = result.intervals[name]
    return f"[{number(name, low)}, {number(name, high)}]"
