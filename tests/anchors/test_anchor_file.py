"""Known depths and lengths from files."""

from math import isnan
from pathlib import Path

import pytest

from m3depth.anchors.anchor_file import Row, read_anchor_file
from m3depth.errors import DataError


def written(folder: Path, text: str) -> Path:
    path = folder / "anchors.csv"
    path.write_text(text)
    return path


def test_both_kinds(tmp_path: Path):
    path = written(
        tmp_path,
        "frame,x,y,depth_mm,x1,y1,x2,y2,length_mm,sd_mm\n"
        "000001,3,4,50,,,,,,1\n"
        "000002,,,,1,2,3,4.5,8,\n",
    )
    depth, length = read_anchor_file(path)
    assert depth == Row(2, "000001", ((3.0, 4.0),), 50.0, 0.02)
    assert length[:4] == (3, "000002", ((1.0, 2.0), (3.0, 4.5)), 8.0)
    assert isnan(length.deviation)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column 'frame'"),
        ("frame,x,y,depth\n", "column 'depth'"),
        ("frame,x,y,depth_mm\n", "no anchor in it"),
        ("frame,x,y,depth_mm\na,1,2,\n", "line 2: expected a frame and either"),
        ("frame,x,y,depth_mm\na,1,2,-5\n", "line 2: depth_mm='-5' must be a number above 0"),
        ("frame,x,y,depth_mm\na,one,2,5\n", "line 2: x='one' must be a number"),
        ("frame,x,y,depth_mm\n,1,2,5\n", "line 2: expected a frame"),
        ("frame,x,y,depth_mm,sd_mm\na,1,2,5,0\n", "line 2: sd_mm='0' must be a number above 0"),
    ],
)
def test_one_clear_line(tmp_path: Path, text: str, said: str):
    with pytest.raises(DataError) as error:
        read_anchor_file(written(tmp_path, text))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_and_binary_files(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read as"):
        read_anchor_file(tmp_path / "none.csv")
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as"):
        read_anchor_file(path)
