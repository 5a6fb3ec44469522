import cv2
import numpy as np
import pytest

from m3depth.errors import DataError
from m3depth.io.opencv_yaml import read_matrices

SCARED = """%YAML:1.0
---
M1: !!opencv-matrix
   rows: 2
   cols: 2
   dt: d
   data: [ 1068.5, 0., 0., 1068.25 ]
T: !!opencv-matrix
   rows: 1
   cols: 3
   dt: d
   data: [ -4.5, 0.01, 2e-2 ]
Camera.width: 1280
"""


def test_matrices_of_a_file_as_released(tmp_path):
    path = tmp_path / "endoscope_calibration.yaml"
    path.write_text(SCARED)
    found = read_matrices(path, ["M1", "T"])
    assert np.array_equal(found["M1"], [[1068.5, 0], [0, 1068.25]])
    assert found["T"].shape == (1, 3)


@pytest.mark.parametrize("suffix", ["yaml", "json", "xml"])
def test_what_opencv_writes_comes_back(tmp_path, suffix):
    path = tmp_path / f"calibration.{suffix}"
    matrix = np.random.default_rng(0).normal(size=(3, 4))
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("P1", matrix)
    storage.release()
    assert np.array_equal(read_matrices(path, ["P1"])["P1"], matrix)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SCARED, "M2, R missing"),
        ("", "not a file that OpenCV"),
        ("fx: [1, 2", "not a file that OpenCV|missing"),
        (None, "cannot be read"),
    ],
)
def test_one_clear_line(tmp_path, text, complaint):
    path = tmp_path / "endoscope_calibration.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=complaint) as raised:
        read_matrices(path, ["M1", "M2", "R"])
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)
