"""Images as people hold them: each form gives one tensor, and what is none is told."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from m3depth.errors import DataError
from m3depth.io.python_images import as_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
RGB[0, 0] = 0, 255, 10
DUE = torch.from_numpy(RGB).permute(2, 0, 1) / 255


@pytest.mark.parametrize(
    "held",
    [
        RGB,
        RGB.transpose(2, 0, 1),
        RGB[..., ::-1][..., ::-1],
        np.flip(RGB[::-1], 0),  # numbers backwards in memory
        np.asfortranarray(RGB),
        (RGB / 255).astype(np.float64),
        (RGB / 255).astype(np.float32).transpose(2, 0, 1),
        RGB.astype(np.uint16) * 257,
        np.dstack([RGB, RGB[..., :1]]),  # alpha
        torch.from_numpy(RGB),
        DUE,
        DUE.clone().requires_grad_(),
        DUE.permute(1, 2, 0).double(),
        Image.fromarray(RGB),
        Image.fromarray(RGB).convert("RGBA"),
    ],
)
def test_every_form_of_a_picture_is_the_same_picture(held: object):
    image = as_image(held, "x")
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    torch.testing.assert_close(image, DUE, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "held", [RGB[..., 0], RGB[..., :1], RGB[..., 0][None], Image.fromarray(RGB[..., 0])]
)
def test_grey_is_repeated(held: object):
    assert torch.allclose(as_image(held, "x"), DUE[:1].expand(3, -1, -1))


def test_half_precision_to_its_own_rounding():
    for kind in (torch.float16, torch.bfloat16):
        assert torch.allclose(as_image(DUE.to(kind), "x"), DUE, atol=4e-3)


def test_floats_that_a_resize_left_beyond_one_by_rounding_are_clipped():
    assert as_image(np.full((5, 5), 1.0004), "x").max() == 1


def test_a_path_is_read_as_a_file(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "a.png"), RGB[..., ::-1])
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert torch.allclose(as_image(path, "x"), DUE)
    with pytest.raises(DataError, match=r"none\.png"):
        as_image(tmp_path / "none.png", "x")


def test_a_folder_and_a_video_are_no_image(tmp_path: Path):
    (tmp_path / "clip.mp4").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a folder; .*`m3depth predict input="):
        as_image(tmp_path, "x")
    with pytest.raises(DataError, match=r"clip\.mp4: no image .*`m3depth predict input="):
        as_image(tmp_path / "clip.mp4", "x")


def test_pil_s_picture_is_turned_as_its_file_says():
    sideways = Image.fromarray(RGB).transpose(Image.Transpose.ROTATE_90)
    sideways.getexif()[0x0112] = 6  # "turn by 90 degrees clockwise to show"
    assert torch.allclose(as_image(sideways, "x"), DUE)


def floats(change: Callable[[np.ndarray], object]) -> np.ndarray:
    values = RGB / 255
    change(values)
    return values


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (floats(lambda v: v.__setitem__((0, 0, 0), np.nan)), "NaN or infinity"),
        (floats(lambda v: v.__setitem__((0, 0, 0), np.inf)), "NaN or infinity"),
        (RGB.astype(float), "floats from .* to 255; .* divide by 255"),
        ((RGB / 255 - 0.5) / 0.25, "floats from -.*normalisation"),
        (RGB.astype(np.float32) * 257, "floats from .* to 6.55"),
        (RGB.astype(np.int64), "numbers of type int64; expected uint8"),
        (RGB > 9, "numbers of type bool"),
        (RGB.astype(np.uint16) * 16, "end at 4080, so of 10 or 12 bits"),
        (RGB[..., :2], r"shape \(6, 9, 2\)"),
        (np.zeros((3, 3, 3), np.uint8), r"\(3, 3, 3\) may have its channels first or last"),
        (np.zeros((3, 480, 3), np.uint8), "channels first or last"),
        (np.zeros((0, 9, 3), np.uint8), "holds no pixel"),
        (np.zeros(9, np.uint8), r"shape \(9,\)"),
        (np.zeros((1, 2, 6, 9, 3), np.uint8), "shape"),
        (None, "NoneType is no image"),
        ({"image": RGB}, "dict is no image"),
        (RGB + 0j, "is no image"),
        (np.ma.masked_array(RGB, RGB > 9), "a masked array"),
    ],
)
def test_what_is_no_picture_is_told_in_one_line(held: object, said: str):
    with pytest.raises(DataError, match=f"frame 7: .*{said}") as caught:
        as_image(held, "frame 7")
    assert "\n" not in str(caught.value)
