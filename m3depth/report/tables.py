"""The numbers as HTML: the headline's cards and the table of metrics."""

from html import escape
from typing import NamedTuple

from m3depth.evaluation.result import METRICS, Evaluation


class Meaning(NamedTuple):
    """How a metric is told to a reader."""

    what: str
    unit: str
    better: str  # the arrow: which way is better
    digits: int


MEANINGS = {
    "mae_mm": Meaning("mean absolute error of depth", "mm", "↓", 2),
    "abs_rel": Meaning("error relative to the true depth", "", "↓", 4),
    "sq_rel_mm": Meaning("squared error relative to the true depth", "mm", "↓", 3),
    "rmse_mm": Meaning("root mean squared error of depth", "mm", "↓", 2),
    "rmse_log": Meaning("root mean squared error of log depth", "", "↓", 4),
    "d1": Meaning("pixels within a factor 1.25", "", "↑", 4),
    "d2": Meaning("pixels within a factor 1.25²", "", "↑", 4),
    "d3": Meaning("pixels within a factor 1.25³", "", "↑", 4),
    "epe_px": Meaning("mean absolute error of disparity", "px", "↓", 3),
    "bad2": Meaning("pixels whose disparity is off by more than 2 px", "", "↓", 4),
    "ssim": Meaning("similarity (SSIM) of the left view rebuilt from the right", "", "↑", 4),
    "density": Meaning("pixels for which the method gives an answer", "", "↑", 4),
}
BASELINE_TITLES = {
    "mean_depth": "mean of the training depths",
    "sgbm": "SGBM, sees both images",
    "constant_disparity": "best constant disparity",
    "best_shift": "best single shift",
}
AGAINST = {"mae_mm": "mean_depth", "epe_px": "constant_disparity", "ssim": "best_shift"}


def headline(evaluation: Evaluation) -> str:
    """The one number to read first, and beside it what it must be read against."""
    metrics, baselines = evaluation.metrics, evaluation.baselines
    told = [name for name in AGAINST if name in metrics]
    if not told:
        return ""
    compared = next((n for n in told if n in baselines.get(AGAINST[n], {})), None)
    cards = [_own(evaluation, told[0], "main")]
    if compared is not None:
        cards += [_own(evaluation, compared)] if compared != told[0] else []
        cards += _comparison(compared, metrics[compared], baselines[AGAINST[compared]][compared])
    sgbm, read = baselines.get("sgbm", {}), compared or told[0]
    if read in sgbm:
        said = f"SGBM, which sees both images, on {sgbm['density']:.0%} of the pixels"
        cards.append(_card(_number(read, sgbm[read]), MEANINGS[read].unit, said))
    if evaluation.scale:
        cards.append(_scale(evaluation.scale))
    return f'<div class="cards">{"".join(cards)}</div>'


def metric_table(evaluation: Evaluation) -> str:
    """Every metric of the network and of each baseline; what the data cannot support is blank."""
    methods = {"network": evaluation.metrics, **evaluation.baselines}
    titles = [BASELINE_TITLES.get(name, name) for name in methods]
    names = [n for n in (*METRICS, "density") if any(n in scores for scores in methods.values())]
    heads = "".join(f"<th>{escape(title)}</th>" for title in titles)
    rows = "".join(_metric_row(name, list(methods.values())) for name in names)
    return (
        f"<table><thead><tr><th>metric</th><th></th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def skipped_list(evaluation: Evaluation) -> str:
    """The frames that could not be read, with the reason."""
    if not evaluation.skipped:
        return ""
    items = "".join(f"<li>frame {s['frame']}: {escape(s['why'])}</li>" for s in evaluation.skipped)
    count = len(evaluation.skipped)
    title = f"{count} of {count + evaluation.frames} frames skipped"
    said = "They could not be read and are in no number on this page."
    return f'<section class="warning"><h2>{title}</h2><p>{said}</p><ul>{items}</ul></section>'


def _metric_row(name: str, methods: list[dict[str, float]]) -> str:
    means = MEANINGS[name]
    cells = "".join(f"<td>{_number(name, m[name]) if name in m else ''}</td>" for m in methods)
    unit = f", {means.unit}" if means.unit else ""
    return (
        f"<tr><th><code>{name}</code> {means.better}</th>"
        f'<td class="what">{means.what}{unit}</td>{cells}</tr>'
    )


def _own(evaluation: Evaluation, name: str, kind: str = "") -> str:
    said, aligned = MEANINGS[name].what, evaluation.protocol.alignment
    if name == "mae_mm":
        said += ", unscaled" if aligned == "none" else f", after {aligned} scaling of each frame"
    return _card(_number(name, evaluation.metrics[name]), MEANINGS[name].unit, said, kind)


def _comparison(name: str, value: float, against: float) -> list[str]:
    means = MEANINGS[name]
    said = f"baseline: {BASELINE_TITLES[AGAINST[name]]}"
    cards = [_card(_number(name, against), means.unit, said)]
    if means.better == "↓" and against > 0:
        share = 1 - value / against
        side, kind = ("below", "good") if share >= 0 else ("above", "bad")
        cards.append(_card(f"{abs(share):.0%}", side, "this baseline", kind))
    return cards


def _scale(scale: dict[str, float]) -> str:
    said = "true over predicted depth (median of frames ± relative spread); 1 = right scale"
    return _card(f"{scale['median_ratio']:.3f}", f"± {scale['std_ratio']:.3f}", said)


def _number(name: str, value: float) -> str:
    return f"{value:.{MEANINGS[name].digits}f}"


def _card(number: str, unit: str, said: str, kind: str = "") -> str:
    return (
        f'<div class="card {kind}"><b>{number}<small> {unit}</small></b>'
        f"<span>{escape(said)}</span></div>"
    )
