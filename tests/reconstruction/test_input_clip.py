"""What ``reconstruct input=`` gives out of a file."""

from pathlib import Path

import numpy as np
from clips import write_video

from m3depth.io.video import Video
from m3depth.io.video_times import frame_times_s
from m3depth.reconstruction import input_clip as module
from m3depth.reconstruction.input_clip import InputClip


def test_the_times_of_a_video_are_its_stamps(tmp_path: Path, monkeypatch):
    """Of a variable frame rate, number over rate is not when a frame was taken."""
    uneven = np.array([0.0, 0.1, 0.2, 1.0, 1.1, 1.2, 1.3, 1.4])
    monkeypatch.setattr(module, "frame_times_s", lambda video: uneven)
    clip = InputClip(str(write_video(tmp_path / "a.avi")))
    np.testing.assert_allclose([float(frame["time_s"]) for frame in clip], uneven, rtol=1e-6)


def test_of_an_even_rate_they_are_number_over_rate(tmp_path: Path):
    path = write_video(tmp_path / "a.avi", frames=4, rate=5.0)
    times = [float(frame["time_s"]) for frame in InputClip(str(path))]
    np.testing.assert_allclose(times, [0, 0.2, 0.4, 0.6], rtol=1e-6)
    np.testing.assert_allclose(frame_times_s(Video(path)), times, rtol=1e-6)
