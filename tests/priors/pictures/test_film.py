"""A video of pictures: readable, whole, quiet."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from m3depth.errors import UserError
from m3depth.priors.pictures import film
from m3depth.priors.pictures.film import write_film


def pictures(count: int) -> list[np.ndarray]:
    return [np.full((64, 96, 3), (40 * place, 90, 10), np.uint8) for place in range(count)]


def frames(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    return [frame[..., ::-1] for ok, frame in iter(capture.read, (False, None))]


def test_a_film_has_its_pictures_at_their_rate(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    write_film(tmp_path / "predictions", iter(pictures(5)), 12.5)
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.webm"]
    seen = frames(tmp_path / "predictions.webm")
    assert len(seen) == 5
    for place, frame in enumerate(seen):
        assert np.abs(frame.mean((0, 1)) - (40 * place, 90, 10)).max() < 6
    assert cv2.VideoCapture(str(tmp_path / "predictions.webm")).get(cv2.CAP_PROP_FPS) == 12.5
    assert capfd.readouterr().err == ""  # FFmpeg's C code would say something
    assert "predictions.webm: browsers" in caplog.text


def test_of_no_picture_there_is_no_film(tmp_path: Path):
    write_film(tmp_path / "x", iter([]), 25)
    assert not list(tmp_path.iterdir())


def test_an_opencv_without_vp8_writes_what_players_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(film, "CODECS", {".webm": "AV01", ".mp4": "mp4v"})
    write_film(tmp_path / "x", iter(pictures(2)), 25)
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]
    assert "browsers do not" in caplog.text


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path):
    with pytest.raises(UserError, match="none: this OpenCV cannot write"):
        write_film(tmp_path / "none" / "x", iter(pictures(1)), 25)
