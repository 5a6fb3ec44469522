"""``m3depth compare``."""

import csv
import json
from pathlib import Path

import pytest
import torch
from command_line import Told, m3depth, succeed

from m3depth.io.depth_files import write_depth
from m3depth.types import DepthMap, Kind, Scale

NAMES = ("000", "001", "002")


def depth_mm(index: int) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(24.0), torch.arange(32.0), indexing="ij")
    return (50 + rows + 0.5 * columns + 5 * index)[None, None]


def folder(root: Path, kind: Kind, scale: Scale, change) -> Path:
    root.mkdir()
    for index, name in enumerate(NAMES):
        write_depth(root / f"{name}.npz", DepthMap(change(depth_mm(index)), kind, scale))
    return root


def same(root: Path) -> Path:
    return folder(root, Kind.DEPTH, Scale.METRIC, lambda depth: depth)


def larger(root: Path) -> Path:
    return folder(root, Kind.DEPTH, Scale.METRIC, lambda depth: 1.1 * depth)


def relative(root: Path) -> Path:
    scale = Scale.UP_TO_SCALE_AND_SHIFT
    return folder(root, Kind.INVERSE_DEPTH, scale, lambda depth: 300 / depth - 2)


def compared(tmp_path: Path, *arguments: str) -> list[dict[str, str]]:
    succeed("compare", *arguments, f"output={tmp_path}/out")
    with (tmp_path / "out/table.csv").open() as file:
        return list(csv.DictReader(file))


def test_each_row_says_its_alignment(tmp_path: Path):
    folders = [make(tmp_path / make.__name__) for make in (same, larger, relative)]
    larger_row, relative_row = compared(tmp_path, *map(str, folders))
    assert larger_row["alignment"] == "none"
    assert larger_row["ratio"] == "1.100"
    assert larger_row["difference"] == "9.1%"
    assert float(larger_row["mm"]) == pytest.approx(0.1 * (50 + 11.5 + 7.75 + 5), abs=0.01)
    assert relative_row["alignment"] == "scale_shift"
    assert (relative_row["difference"], relative_row["mm"]) == ("0.0%", "0.00")
    assert (relative_row["ratio"], relative_row["rank"]) == ("", "1.000")
    page = (tmp_path / "out/report.html").read_text()
    assert page.count("<img") == len(NAMES) * (1 + 2 + 2)
    assert "relative, scale_shift" in page


def test_a_relative_reference_has_no_millimetres(tmp_path: Path):
    folders = relative(tmp_path / "first"), larger(tmp_path / "second")
    (row,) = compared(tmp_path, *map(str, folders))
    assert (row["alignment"], row["mm"], row["difference"]) == ("scale_shift", "", "0.0%")


def test_an_alignment_that_is_asked_for(tmp_path: Path):
    folders = same(tmp_path / "first"), larger(tmp_path / "second")
    (row,) = compared(tmp_path, *map(str, folders), "align=scale")
    assert (row["alignment"], row["difference"], row["ratio"]) == ("scale", "0.0%", "1.100")


def test_runs_by_their_scores(tmp_path: Path):
    for name, error in (("a", 5.0), ("b", 6.0)):
        (tmp_path / name).mkdir()
        scores = {"alignment": "none", "frames": 4, "metrics": {"mae_mm": error}}
        record = {"data": "synthetic", "protocol": "unscaled", **scores}
        (tmp_path / name / "metrics.json").write_text(json.dumps(record))
    rows = compared(tmp_path, str(tmp_path / "a"), str(tmp_path / "b"))
    assert [(row["run"], row["protocol"], row["mae_mm"]) for row in rows] == [
        ("a", "unscaled", "5.000"),
        ("b", "unscaled", "6.000"),
    ]


def refused(*arguments: str) -> Told:
    told = m3depth("compare", *arguments)
    assert told.status in (1, 2)
    return told


def test_one_clear_line(tmp_path: Path):
    first, second = same(tmp_path / "first"), larger(tmp_path / "second")
    out = f"output={tmp_path}/out"
    assert "two folders or more" in refused(str(first), out).line
    assert "no such folder" in refused(str(first), str(tmp_path / "none"), out).line
    assert "given twice" in refused(str(first), str(first), out).line
    assert "inputs=one: takes a list" in refused("inputs=one", out).line
    assert "align=maybe: choose" in refused(str(first), str(second), "align=maybe", out).line
    (tmp_path / "run").mkdir()
    (tmp_path / "run/metrics.json").write_text("{}")
    assert "do not compare" in refused(str(first), str(tmp_path / "run"), out).line
    for file in second.iterdir():
        file.rename(second / f"other_{file.name}")
    assert "not one frame's name is in all" in refused(str(first), str(second), out).line
    assert "is the input" in refused(str(first), str(second), f"output={first}").line
    assert sorted(one.name for one in first.iterdir()) == [f"{name}.npz" for name in NAMES]
