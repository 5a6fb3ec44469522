"""The files that record an evaluation: `metrics.json` and `per_frame.csv`."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from m3depth.evaluation.counted import OF
from m3depth.evaluation.provenance import git_commit
from m3depth.evaluation.result import Evaluation, Result
from m3depth.evaluation.scoring import METRICS, RATIO, VALID
from m3depth.io.files import write_text
from m3depth.version import __version__

PIXELS = "pixels_of"  # the column of how many pixels the frame's truth has


def write_record(
    directory: Path,
    evaluation: Evaluation,
    *,
    data: str,
    source: Mapping[str, Any],
    config: Mapping[str, Any],
    camera: Mapping[str, Any] | None = None,
) -> None:
    """Write `metrics.json` and `per_frame.csv`.

    The first protocol's numbers are at the top of `metrics.json` and, frame by frame, in
    `per_frame.csv`; all protocols' are in ``protocols``.

    Args:
        directory: Made if it is not there.
        evaluation: The numbers.
        data: The data set's name, as the user gave it.
        source: Where the predictions came from: ``checkpoint``, or ``predictions``.
        config: The resolved configuration, plain containers; its checksum is recorded.
        camera: Scores of the camera's path and K, by their names.

    Raises:
        UserError: The disk is full or the directory cannot be written to.
    """
    first = evaluation.first
    record = {
        "data": data,
        "protocol": first.protocol.name,
        **first.record(),
        "protocols": {r.protocol.name: r.record() for r in evaluation.results},
        "skipped": evaluation.skipped,
        "warnings": evaluation.warnings,
        **(camera or {}),
        **source,
        **version(config),
    }
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    write_text(directory / "metrics.json", text)
    write_text(directory / "per_frame.csv", _csv(first))


def version(config: Mapping[str, Any]) -> dict[str, str]:
    """How a result was made: the program's version and commit, the configuration's checksum."""
    told = {"version": __version__, **git_commit()}
    return told | {"config_sha256": config_sha256(config)}


def config_sha256(config: Mapping[str, Any]) -> str:
    """The checksum of a configuration, whatever the order of its keys.

    >>> config_sha256({"a": 1, "b": 2}) == config_sha256({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _csv(result: Result) -> str:
    """Every frame in the set's order; one that does not count has the reason and no numbers."""
    names = (*METRICS, RATIO, VALID)
    scored = [name for name in names if any(name in row.scores for row in result.rows)]
    told = ["left_out"] if result.left_out else []
    rows: dict[int, dict[str, object]] = {}
    for row in result.rows:
        rows[row.position] = {"frame": row.key, **row.scores, PIXELS: row.pixels.get(OF, "")}
    for one in result.left_out:
        key = one.key or f"frame {one.position}"  # a frame that cannot be read has no key
        rows[one.position] = {"frame": key, "left_out": one.why, PIXELS: one.pixels.get(OF, "")}
    text = io.StringIO()
    sized = [PIXELS] if any(row[PIXELS] for row in rows.values()) else []
    columns = ["frame", *told, *scored, *sized]
    table = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    table.writerows(rows[position] for position in sorted(rows))
    return text.getvalue()
