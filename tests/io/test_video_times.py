"""When the frames of a video were taken."""

import numpy as np
import pytest
from test_video_index import COUNT, SURE, film, gif, uneven

from m3depth.io.video import Video
from m3depth.io.video_times import frame_times_s


@pytest.mark.parametrize("suffix", SURE)
def test_frames_of_one_length_follow_each_other_evenly(tmp_path, suffix):
    times = frame_times_s(Video(film(tmp_path / f"a.{suffix}", SURE[suffix])))
    np.testing.assert_allclose(times, np.arange(COUNT) / 25)


def test_of_a_variable_rate_the_stamps_count(tmp_path):
    times = frame_times_s(Video(uneven(film(tmp_path / "a.mp4", "mp4v"))))
    steps = np.full(COUNT - 1, 0.04)
    steps[20:30] = 0.32
    np.testing.assert_allclose(np.diff(times), steps, atol=1e-6)
    assert times[0] == 0


def test_of_pictures_that_are_shown_for_different_times(tmp_path):
    times = frame_times_s(Video(gif(tmp_path / "a.gif")))
    lengths = [0.1 if number % 3 else 0.3 for number in range(COUNT - 1)]
    np.testing.assert_allclose(np.diff(times), lengths, atol=1e-6)
