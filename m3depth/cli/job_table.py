"""The table over the jobs of a multirun."""

import csv
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from m3depth.errors import UserError

Row = dict[str, object]
STATUS = "status"
HEADLINE = ("mae_mm", "abs_rel", "rmse_mm", "d1", "epe_px", "ssim")
LONGEST = 60  # of a status, in a table to be read


def headline(output: str | None) -> Row:
    """The first protocol's metrics of a job, where it has scored something."""
    file = Path(output or ".") / "metrics.json"
    if output is None or not file.is_file():
        return {}
    metrics: Row = json.loads(file.read_text()).get("metrics", {})
    return metrics


def require_free(folder: Path) -> None:
    """Stop (`UserError`) at a `table.csv` or `table.md` that no multirun wrote."""
    for name, between in (("table.csv", ","), ("table.md", "|")):
        file = folder / name
        if not file.is_file():
            continue
        with file.open(encoding="utf-8", errors="replace") as text:
            columns = {one.strip() for one in text.readline().split(between)}
        if "status" not in columns:
            raise UserError(
                f"{file}: is no table of a multirun; move it, or choose another output="
            )


def write_table(folder: Path, rows: Sequence[Row]) -> None:
    """Write `table.csv`, with all that is known, and `table.md`, to be read.

    Jobs that an earlier multirun left there stay in it, and so does the row of a job whose earlier
    run is still there, because the new one was refused.
    """
    from m3depth.io.files import write_csv, write_text  # NumPy comes along

    file = folder / "table.csv"
    before: dict[object, Row] = {}
    if file.is_file():
        with file.open(newline="") as text:
            before = {row.get("output"): dict(row) for row in csv.DictReader(text)}
    ours = {row["output"]: _stands(before, row) for row in rows}
    merged = [*(row for output, row in before.items() if output not in ours), *ours.values()]
    varying = _varying(merged)
    columns = dict.fromkeys([*varying, STATUS, *(name for row in merged for name in row)])
    write_csv(file, [{name: row.get(name, "") for name in columns} for row in merged])
    write_text(folder / "table.md", text_table(merged))


def _stands(before: Mapping[object, Row], row: Row) -> Row:
    earlier = before.get(row["output"])
    failed = str(row[STATUS]).startswith("failed")
    kept = failed and earlier is not None and earlier.get(STATUS) == "ok"
    # A run that began removes the scores of the one that it replaces
    scored = (Path(str(row["output"])) / "metrics.json").is_file()
    return earlier if kept and scored and earlier is not None else row


def _varying(rows: Iterable[Row]) -> list[str]:
    """What the jobs differ by: it comes before their status."""
    parts = (itertools.takewhile(lambda name: name != STATUS, row) for row in rows)
    return list(dict.fromkeys(name for part in parts for name in part))


def text_table(rows: Sequence[Row]) -> str:
    """What the jobs differ by and their results, in Markdown, the columns aligned."""
    varying = _varying(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    metrics = [name for name in names if name not in (*varying, STATUS, "best", "output")]
    known = [name for name in HEADLINE if name in metrics]
    shown = [*varying, STATUS, *(["best"] if "best" in names else []), *(known or metrics[:6])]
    cells = [shown, *([_shown(name, row.get(name, "")) for name in shown] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(shown))]
    lines = [" | ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)) for line in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "".join(f"| {line} |\n" for line in lines)


def _shown(name: str, value: object) -> str:
    if name in ("best", *HEADLINE):
        with suppress(ValueError):  # a value that is missing
            value = float(str(value))
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    text = text.replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= LONGEST or name != STATUS else f"{text[:LONGEST]} ..."
