"""The table over the jobs of a multirun."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

Row = dict[str, object]


def headline(output: str | None) -> Row:
    """The first protocol's metrics of a job, where it has scored something."""
    file = Path(output or ".") / "metrics.json"
    if output is None or not file.is_file():
        return {}
    metrics: Row = json.loads(file.read_text()).get("metrics", {})
    return metrics


def write_table(folder: Path, rows: Sequence[Row]) -> None:
    """Write `table.csv` and `table.md`; jobs that an earlier multirun left there stay in it."""
    from m3depth.files import write_csv, write_text  # NumPy comes along

    file = folder / "table.csv"
    ours = {row["output"] for row in rows}
    before: list[Row] = []
    if file.is_file():
        with file.open(newline="") as text:
            before = [dict(row) for row in csv.DictReader(text) if row.get("output") not in ours]
    write_csv(file, [*before, *rows])
    write_text(folder / "table.md", text_table([*before, *rows]))


def text_table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, the columns aligned, to be read as they are."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([_shown(row.get(name, "")) for name in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = [" | ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)) for line in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "".join(f"| {line} |\n" for line in lines)


def _shown(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
