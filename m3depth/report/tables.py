"""The numbers as HTML: the headline's cards and the table of metrics."""

from html import escape

from m3depth.evaluation.result import Evaluation, Result
from m3depth.evaluation.scoring import METRICS
from m3depth.report.html import card, warning
from m3depth.report.metric_labels import BASELINE_TITLES, METRIC_LABELS, interval, number

AGAINST = {"mae_mm": "mean_depth", "epe_px": "constant_disparity", "ssim": "best_shift"}


def headline(result: Result) -> str:
    """The one number to read first, and beside it what it must be read against."""
    metrics, baselines = result.metrics, result.baselines
    told = [name for name in AGAINST if name in metrics]
    if not told:
        return ""
    compared = next((n for n in told if n in baselines.get(AGAINST[n], {})), None)
    cards = [_own(result, told[0], "main")]
    if compared is not None:
        cards += [_own(result, compared)] if compared != told[0] else []
        cards += _comparison(compared, metrics[compared], baselines[AGAINST[compared]][compared])
    sgbm, read = baselines.get("sgbm", {}), compared or told[0]
    if read in sgbm:
        said = f"SGBM, which sees both images, on {sgbm['density']:.0%} of the pixels"
        beaten = _better(read, sgbm[read], metrics[read])
        said += ": better than the prediction" if beaten else ""
        cards.append(card(number(read, sgbm[read]), METRIC_LABELS[read].unit, said, "bad" * beaten))
    if metrics.get("density", 1.0) < 1:
        said = "of the pixels have a prediction: errors are of these alone"
        cards.append(card(f"{metrics['density']:.0%}", "", said))
    if result.scale:
        cards.append(_scale(result.scale))
    return f'<div class="cards">{"".join(cards)}</div>'


def metric_table(result: Result) -> str:
    """Every metric of the prediction and the baselines; blank: not supported by the data.

    A baseline's number that is better than the prediction's is marked.
    """
    methods = {"prediction": result.metrics, **result.baselines}
    titles = [BASELINE_TITLES.get(name, name) for name in methods]
    names = [n for n in METRICS if any(n in scores for scores in methods.values())]
    heads = [f"<th>{escape(title)}</th>" for title in titles]
    if result.intervals:
        heads.insert(1, "<th>95 % interval</th>")
    rows = "".join(_metric_row(name, methods, result) for name in names)
    return (
        f"<table><thead><tr><th>metric</th><th></th>{''.join(heads)}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def skipped_list(evaluation: Evaluation) -> str:
    """The frames that could not be read, with the reason."""
    if not evaluation.skipped:
        return ""
    items = "".join(f"<li>frame {s['frame']}: {escape(s['why'])}</li>" for s in evaluation.skipped)
    title = f"{len(evaluation.skipped)} of {evaluation.first.frames_of} frames skipped"
    said = "They could not be read, or have no prediction, and are in no number on this page."
    return warning(title, f"<p>{said}</p><ul>{items}</ul>")


def warning_list(evaluation: Evaluation) -> str:
    """What makes the numbers doubtful."""
    if not evaluation.warnings:
        return ""
    items = "".join(f"<li>{escape(one)}</li>" for one in evaluation.warnings)
    return warning("Read with care", f"<ul>{items}</ul>")


def counted_lines(evaluation: Evaluation) -> str:
    """What each protocol counted, of how much, and why not the rest."""
    told = (f"Counted by {r.protocol.name}: {r.counted}." for r in evaluation.results)
    return "".join(f'<p class="lead">{escape(line)}</p>' for line in told)


def _metric_row(name: str, methods: dict[str, dict[str, float]], result: Result) -> str:
    means = METRIC_LABELS[name]
    own, *others = methods.items()
    cells = [_metric_cell(name, own[1], None)]
    if result.intervals:
        cells.append(f"<td>{interval(name, result)}</td>")
    for title, scores in others:
        cells.append(_metric_cell(name, scores, own[1] if title in BASELINE_TITLES else None))
    unit = f", {means.unit}" if means.unit else ""
    return (
        f"<tr><th><code>{name}</code> {means.better}</th>"
        f'<td class="what">{means.what}{unit}</td>{"".join(cells)}</tr>'
    )


def _metric_cell(name: str, scores: dict[str, float], own: dict[str, float] | None) -> str:
    """A number; marked where it is better than the prediction's ``own``."""
    if name not in scores:
        return "<td></td>"
    beats = own is not None and name in own and name not in ("density", "flicker_mm")
    if beats and own is not None and _better(name, scores[name], own[name]):
        told = number(name, scores[name])
        return f'<td class="beats" title="better than the prediction">{told}</td>'
    return f"<td>{number(name, scores[name])}</td>"


def _better(name: str, value: float, other: float) -> bool:
    return value < other if METRIC_LABELS[name].better == "↓" else value > other


def _own(result: Result, name: str, kind: str = "") -> str:
    said, protocol = METRIC_LABELS[name].what, result.protocol
    if name == "mae_mm":
        whose = "video" if protocol.whole_video else "frame"
        aligned = f"after {protocol.align.__name__} scaling of each {whose}"
        said += f", {'unscaled' if protocol.metric else aligned}"
    return card(number(name, result.metrics[name]), METRIC_LABELS[name].unit, said, kind)


def _comparison(name: str, value: float, against: float) -> list[str]:
    means = METRIC_LABELS[name]
    said = f"baseline: {BASELINE_TITLES[AGAINST[name]]}"
    cards = [card(number(name, against), means.unit, said)]
    if means.better == "↓" and against > 0:
        share = 1 - value / against
        side, kind = ("below", "good") if share >= 0 else ("above", "bad")
        cards.append(card(f"{abs(share):.0%}", side, "this baseline", kind))
    elif means.better == "↑":
        side, kind = ("above", "good") if value >= against else ("below", "bad")
        apart = number(name, abs(value - against))
        cards.append(card(apart, f"{means.unit} {side}", "this baseline", kind))
    return cards


def _scale(scale: dict[str, float]) -> str:
    said = "true over predicted depth (median of frames ± relative spread); 1 = right scale"
    return card(f"{scale['median_ratio']:.3f}", f"± {scale['std_ratio']:.3f}", said)
