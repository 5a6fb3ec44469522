import base64
import io

import numpy as np
import pytest
from PIL import Image

from m3depth.imaging.bars import error_bar, inverse_depth_bar
from m3depth.imaging.figures import (
    UNKNOWN_GREY,
    colour,
    colour_inverse_depth,
    data_uri,
    inverse_depth_range,
)


def test_equal_steps_of_inverse_depth_are_equal_steps_of_colour() -> None:
    middle = 2 / (1 / 40 + 1 / 120)  # halfway in 1/mm
    row = colour_inverse_depth(np.array([[40.0, middle, 120.0]]), 40, 120)[0]
    share = np.array([[1.0, 0.5, 0.0]])
    expected = colour(share, 0, 1, "turbo", np.ones((1, 3), bool))[0]
    assert np.allclose(row, expected, atol=4)  # neighbouring colours of the map
    assert len(np.unique(row, axis=0)) == 3


def test_the_range_is_fixed_whatever_the_frame_holds() -> None:
    one = colour_inverse_depth(np.array([[50.0, 50.0]]), 40, 120)
    other = colour_inverse_depth(np.array([[50.0, 500.0]]), 40, 120)
    assert np.array_equal(one[0, 0], other[0, 0])


def test_beyond_the_range_takes_its_ends() -> None:
    ends = colour_inverse_depth(np.array([[10.0, 40.0, 120.0, 900.0]]), 40, 120)[0]
    assert np.array_equal(ends[0], ends[1])
    assert np.array_equal(ends[2], ends[3])


def test_unknown_is_grey_and_nothing_else_is() -> None:
    picture = colour_inverse_depth(np.linspace(0, 200, 500)[None], 40, 120)[0]
    grey = (picture == UNKNOWN_GREY).all(axis=-1)
    assert grey.tolist() == [True] + [False] * 499


def test_range_leaves_out_the_unknown_and_outliers() -> None:
    depth = np.full((100, 100), 60.0)
    depth[0] = 0
    depth[1, :5] = 9000
    depth[2:30] = 80.5
    assert inverse_depth_range([depth]) == (60, 81)


@pytest.mark.parametrize("nothing", [[], [np.zeros((4, 4))]])
def test_range_of_nothing_and_of_one_depth(nothing: list[np.ndarray]) -> None:
    assert inverse_depth_range(nothing) == (30, 150)
    near_mm, far_mm = inverse_depth_range([np.full((4, 4), 50.0)])
    assert near_mm < far_mm


def test_png_comes_back_as_it_was() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    head, body = data_uri(picture).split(",", 1)
    assert head == "data:image/png;base64"
    assert np.array_equal(np.array(Image.open(io.BytesIO(base64.b64decode(body)))), picture)


def test_bars_say_millimetres_at_their_ends() -> None:
    bar = inverse_depth_bar(40, 120)
    assert 'left:0.00%">120<' in bar
    assert 'left:100.00%">40<' in bar
    assert 'left:25.00%">80<' in bar  # (1/80 - 1/120) / (1/40 - 1/120)
    assert "mm" in bar
    assert "e+" not in inverse_depth_bar(2000, 6400)
    assert "≥ 5<" in error_bar(5, "mm", "not known")
