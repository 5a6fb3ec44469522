"""``m3depth compare``."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from m3depth.errors import ConfigError, DataError
from m3depth.evaluation.agreement import ALIGNMENTS, Agreement, agreement, alignment_for, comparable
from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import Picture
from m3depth.io.depth_files import read_depth_map
from m3depth.io.files import write_csv, write_text
from m3depth.io.input_frames import PREDICTIONS, open_frames
from m3depth.outputs.output import Output
from m3depth.report.comparison import Compared, comparison_page, runs_page, table
from m3depth.report.html import footer
from m3depth.sources.folder import files_by_stem
from m3depth.types import DepthMap
from m3depth.validation import require_number

SCORES = "metrics.json"
METRICS = ("mae_mm", "abs_rel", "rmse_mm", "d1", "epe_px", "ssim")
FILES = ("report.html", "table.csv")

logger = logging.getLogger(__name__)


def compare(config: DictConfig) -> None:
    """Show two or more folders of depth, or runs, side by side."""
    folders = _folders(config.inputs)
    if len(folders) < 2:
        raise ConfigError("compare takes two folders or more: m3depth compare A B")
    if config.align not in ("auto", *ALIGNMENTS):
        raise ConfigError(f"align={config.align}: choose auto, {', '.join(ALIGNMENTS)}")
    require_number("frames", config.frames, 1, whole=True)
    for one in folders:
        if not one.is_dir():
            raise DataError(f"{one}: no such folder")
    named = dict(zip(_names(folders), folders, strict=True))
    scored = [(one / SCORES).is_file() for one in folders]
    if any(scored) and not all(scored):
        odd = folders[scored.index(not scored[0])]
        raise DataError(f"{odd}: runs ({SCORES} in them) and folders of depth do not compare")
    inputs = {f"inputs.{index}": str(one) for index, one in enumerate(folders)}
    output = Output(
        config.output, "compare", inputs=inputs, overwrite=config.overwrite, names=FILES
    )
    with output.claimed() as claim:
        if all(scored):
            rows = _scores(named)
            notes = footer({name: str(folder) for name, folder in named.items()})
            html = runs_page("Runs compared", rows, notes)
        else:
            rows, html = _maps(named, config)
        heads, *cells = rows
        table_csv = [dict(zip(heads, row, strict=True)) for row in cells]
        write_csv(claim.folder / "table.csv", table_csv)
        write_text(claim.folder / "report.html", html)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    )
    sys.stdout.write("\n".join(lines) + "\n")
    logger.info("report: %s", (claim.folder / "report.html").resolve())


def _folders(inputs: object) -> list[Path]:
    if isinstance(inputs, str) or not isinstance(inputs, Sequence):
        raise ConfigError(f"inputs={inputs}: takes a list, inputs=[A,B], or m3depth compare A B")
    return [Path(str(one)) for one in inputs]


def _names(folders: Sequence[Path]) -> list[str]:
    """The last part of each path that tells them apart."""
    for parts in range(1, max(len(one.resolve().parts) for one in folders) + 1):
        names = ["/".join(one.resolve().parts[-parts:]) for one in folders]
        if len(set(names)) == len(names):
            return names
    raise ConfigError(f"{folders[0]}: given twice; a folder agrees with itself")


def _scores(runs: Mapping[str, Path]) -> list[list[str]]:
    """A row for each run and protocol."""
    rows = []
    for name, folder in runs.items():
        try:
            scores = json.loads((folder / SCORES).read_text())
            several = scores.get("protocols") or {scores["protocol"]: scores}
            for protocol, one in several.items():
                numbers = [one["metrics"].get(metric) for metric in METRICS]
                cells = ["" if v is None else f"{v:.3f}" for v in numbers]
                about = [name, scores["data"], protocol, one["alignment"], str(one["frames"])]
                rows.append([*about, *cells])
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise DataError(f"{folder / SCORES}: is no record of m3depth ({error!r})") from None
    if len({row[1] for row in rows}) > 1:
        logger.warning("these runs were scored on different data: their numbers do not compare")
    return [["run", "data", "protocol", "alignment", "frames", *METRICS], *rows]


def _maps(folders: Mapping[str, Path], config: DictConfig) -> tuple[list[list[str]], str]:
    """The table, and the page."""
    files = {name: files_by_stem(folder) for name, folder in folders.items()}
    (first, own), *others = files.items()
    frames = [key for key in own if all(key in theirs for _, theirs in others)]
    if not frames:
        raise DataError(f"{', '.join(map(str, folders.values()))}: not one frame's name is in all")
    left_out = sum(len(one) for one in files.values()) - len(frames) * len(files)
    if left_out:
        logger.warning("%d files left out: their frames are not in all folders", left_out)
    places = np.linspace(0, len(frames) - 1, min(config.frames, len(frames))).round()
    shown: dict[str, dict[str, DepthMap]] = {frames[int(place)]: {} for place in places}
    numbers: dict[str, dict[str, list[Agreement]]] = {name: {} for name, _ in others}
    for key in frames:
        reference = _read(own[key])
        if key in shown:
            shown[key][first] = reference
        for name, theirs in others:
            other = _read(theirs[key])
            how = config.align if config.align != "auto" else alignment_for(other, reference)
            try:
                found, brought = agreement(other, reference, how)
            except DataError as error:
                raise DataError(f"{theirs[key]}: {error}") from error
            numbers[name].setdefault(how, []).append(found)
            if key in shown:
                shown[key][f"{name}, {how}" if how != "none" else name] = brought
    rows = table([Compared(n, how, one) for n, by in numbers.items() for how, one in by.items()])
    notes = footer(
        {"compared with": str(folders[first]), **{n: str(f) for n, f in folders.items()}}
    )
    images = _images(list(folders.values()), shown)
    return rows, comparison_page(f"Compared with {first}", rows, shown, images, notes)


def _read(path: Path) -> DepthMap:
    return comparable(read_depth_map(path))


def _images(folders: Sequence[Path], frames: Mapping[str, object]) -> dict[str, Picture]:
    """From the input of a prediction among them, where it is still there."""
    for folder in folders:
        try:
            told = json.loads((folder / PREDICTIONS).read_text())
            found = open_frames(told["input"])
            return {one.name: to_picture(one.image) for one in found if one.name in frames}
        except (OSError, ValueError, KeyError, DataError):
            continue
    return {}
