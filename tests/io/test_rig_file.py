"""`rig.yaml`: every way to write a number, and what cannot be meant."""

from pathlib import Path

import pytest

from m3depth.errors import DataError
from m3depth.io.rig_file import RigFile, read_rig
from m3depth.types import StereoRig

LINES = {
    "fx": "452.5",
    "fy": "452.5",
    "cx": "239.5",
    "cy": "191.5",
    "baseline_mm": "4.12",
    "width": "480",
    "height": "384",
}


def read(folder: Path, *more: str, **changed: str) -> RigFile:
    path = folder / "rig.yaml"
    lines = [f"{key}: {value}" for key, value in (LINES | changed).items()]
    path.write_text("\n".join([*lines, *more]) + "\n")
    return read_rig(path)


@pytest.mark.parametrize("spelled", ["4.525e2", "4.525E+2", "'452.5'", '"4.525e2"', "452.5 # px"])
def test_a_number_is_one_however_it_is_spelled(tmp_path: Path, spelled: str):
    assert read(tmp_path, fx=spelled, width="4.8e2").rig.fx == 452.5


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fx": "true"}, "fx is True; a finite number"),
        ({"fx": "1,035.03"}, "fx is '1,035.03'"),
        ({"cx": ".inf"}, "cx is inf"),
        ({"cy": "nan"}, "cy is 'nan'"),
        ({"baseline_mm": "4.12 mm"}, "baseline_mm is '4.12 mm'"),
        ({"width": "479.5"}, "width is 479.5; a whole number of pixels"),
        ({"unusual": "maybe"}, "unusual is 'maybe'; true or false"),
        ({"fx": "0.82", "fy": "1.02", "cx": "0.5", "cy": "0.5"}, "look normalised"),
        ({"baseline_mm": "4.12e-3"}, "which 0.00412 would be in metres"),
        ({"cx": "5000"}, "or add `unusual: true` where this is meant"),
    ],
)
def test_what_is_no_rig_is_one_line_with_its_file(tmp_path: Path, changed: dict, said: str):
    with pytest.raises(DataError) as caught:
        read(tmp_path, **changed)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'rig.yaml'}: ")


def test_a_single_camera_has_no_baseline(tmp_path: Path):
    path = tmp_path / "rig.yaml"
    path.write_text("\n".join(f"{k}: {v}" for k, v in LINES.items() if k != "baseline_mm"))
    rig = read_rig(path).rig
    assert rig == StereoRig.monocular(452.5, 452.5, 239.5, 191.5)
    assert not rig.calibrated


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="fx is there twice"):
        read(tmp_path, "fx: 517.0")


def test_an_unusual_rig_is_read_when_it_says_that_it_is_meant(tmp_path: Path, caplog):
    assert read(tmp_path, "unusual: true", cx="20").rig.cx == 20
    assert "cx 20, cy 191.5 is outside the middle" in caplog.text
