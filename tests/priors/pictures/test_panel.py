"""A frame's picture holds its image, its depth in the colours of the scale, and its confidence."""

from dataclasses import replace

import numpy as np
import pytest

from m3depth.imaging.figures import UNKNOWN_GREY, colour, colour_inverse_depth
from m3depth.priors.pictures.ink import font, shortened
from m3depth.priors.pictures.panel import Panel, Seen, seen_at, shown_size
from m3depth.priors.pictures.scale import Range, depth_scale, values_of
from m3depth.priors.pictures.sheet import chosen, contact_sheet, tile

SIZE = (60, 300)
SCALE = depth_scale(Range(), 40, 100)


def seen(depth_mm: np.ndarray) -> Seen:
    image = np.random.default_rng(0).integers(0, 256, (*depth_mm.shape, 3), np.uint8)
    confidence = np.linspace(0, 1, depth_mm.size, dtype=np.float32).reshape(depth_mm.shape)
    return Seen(image, values_of({"depth_mm": depth_mm.astype(np.float32)}), confidence)


def parts(picture: np.ndarray, count: int = 3) -> list[np.ndarray]:
    """Where the panel puts them: found by the first pixels of the image."""
    lefts = [12, 12 + 300 + 12, 2 * (12 + 300) + 12 + 16 + 58][:count]
    return [picture[26 : 26 + SIZE[0], x : x + SIZE[1]] for x in lefts]


def test_image_depth_and_confidence_stand_side_by_side():
    depth_mm = np.linspace(30, 120, SIZE[0] * SIZE[1]).reshape(SIZE)
    depth_mm[:10, :10] = 0
    frame = seen(depth_mm)
    image, depth, confidence = parts(Panel(SIZE, SCALE)("a/0", frame))
    assert np.array_equal(image, frame.image)
    expected = colour_inverse_depth(depth_mm.astype(np.float32), 40, 100)
    assert (
        np.abs(depth.astype(int) - expected).max() <= 6
    )  # a step of the map: float32 here and there
    known = depth_mm > 0
    assert np.array_equal(confidence, colour(frame.confidence, 0, 1, "viridis", known))
    assert (depth[:10, :10] == UNKNOWN_GREY).all()
    assert (confidence[:10, :10] == UNKNOWN_GREY).all()


def test_the_same_depth_has_the_same_colour_in_every_frame():
    one = np.full(SIZE, 60.0)
    other = one.copy()
    other[:, 150:] = 41
    panel = Panel(SIZE, SCALE)
    first, second = (parts(panel("x", seen(depth_mm)))[1] for depth_mm in (one, other))
    assert np.array_equal(first[:, :150], second[:, :150])
    assert not np.array_equal(first[:, 150:], second[:, 150:])


def test_bar_and_names_are_there_and_a_video_has_no_confidence_and_even_sides():
    frame = seen(np.full(SIZE, 60.0))
    with_it, without = (Panel(SIZE, SCALE, shown)("a/0", frame) for shown in (True, False))
    assert without.shape[1] < with_it.shape[1]
    assert all(side % 2 == 0 for side in without.shape[:2])
    bar = with_it[26 + 7 : 26 + 60 - 7, 12 + 300 + 12 + 300 + 6]
    assert bar[0, 0] > bar[0, 2]  # red, near, at the upper end
    assert bar[-1, 2] > bar[-1, 0]
    assert (with_it[:26, 12:60] < 100).any()  # the name
    assert not np.array_equal(Panel(SIZE, SCALE)("b/1", frame)[:26], with_it[:26])


@pytest.mark.parametrize(
    ("size", "expected"),
    [((32, 48), (192, 288)), ((1080, 1920), (360, 640)), ((464, 584), (464, 584)),
     ((1000, 100), (480, 48)), ((128, 160), (256, 320)), ((2, 2000), (1, 640)),
     ((224, 280), (224, 280))],
)  # fmt: skip
def test_small_images_are_enlarged_by_whole_numbers_and_large_ones_shrunk(
    size: object, expected: object
):
    assert shown_size(size) == expected


def test_numbers_are_not_mixed_when_they_are_resized():
    depth_mm = np.where(np.arange(64) % 2, 50.0, 0.0)[None].repeat(64, 0)
    small = seen_at((32, 32), seen(depth_mm))
    assert set(np.unique(small.values.round(6))) <= {0.0, np.float32(0.02)}


def test_the_font_has_the_signs_that_are_written():
    """A sign that it lacks would be drawn as the box of U+FFFF."""
    box = bytes(font().getmask("\uffff"))
    assert all(bytes(font().getmask(sign)) != box for sign in "≤≥éü%/.09")


def test_a_long_name_keeps_its_end():
    short = shortened("a" * 200 + "/000123", 150)
    assert short.endswith("/000123")
    assert short.startswith("...")
    assert font().getlength(short) <= 150


def test_a_sheet_shows_first_and_last_and_frames_of_any_size():
    assert chosen(1) == [0]
    assert chosen(500)[0] == 0
    assert chosen(500)[-1] == 499
    sizes = [(48, 64), (128, 160), (1080, 1920), (200, 50), (3, 400)]
    tiles = [(str(size), tile(seen(np.full(size, 60.0)))) for size in sizes]
    sheet = contact_sheet(tiles, SCALE, "five frames of DIR")
    first = tiles[0][1].image
    assert np.array_equal(sheet[52 : 52 + 48, 12 : 12 + 64], first)
    again = contact_sheet(tiles[:1], SCALE, "one")
    long = replace(SCALE, title="relative inverse depth of a long name")
    for scale in (SCALE, long):  # the grey square stands free of the words before it
        foot = contact_sheet(tiles, scale, "five frames of DIR")[26:52]
        columns = np.nonzero((foot == UNKNOWN_GREY).all(2).sum(0) == 12)[0]
        assert columns.tolist() == list(range(columns[0], columns[0] + 12))
        assert (foot[:, columns[0] - 8 : columns[0]] == 255).all()
    assert again.shape[0] < sheet.shape[0]
