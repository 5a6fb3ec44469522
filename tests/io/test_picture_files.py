"""What a picture's file says beside its pixels is carried on, or refused by name."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageOps

from m3depth.errors import DataError
from m3depth.io.images import read_depth, read_image, read_mask

SCENE = np.zeros((24, 40, 3), np.uint8)
SCENE[:12, :20] = (250, 20, 20)
SCENE[12:, 20:] = (20, 30, 240)


def saved(path: Path, orientation: int, image: Image.Image | None = None) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 97} if path.suffix == ".jpg" else {}
    (image or Image.fromarray(SCENE)).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright_as_viewers_show_them(tmp_path: Path, suffix: str, orientation: int):
    path = saved(tmp_path / f"a{suffix}", orientation)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    found = (read_image(path) * 255).permute(1, 2, 0).numpy()
    assert found.shape == upright.shape
    assert np.abs(found - upright).mean() < 3


def test_masks_and_depth_with_an_orientation_are_turned_too(tmp_path: Path):
    mask = Image.fromarray(SCENE[..., 0] > 100)
    turned = read_mask(saved(tmp_path / "mask.png", 3, mask))[0]
    assert turned[12:, 20:].all()
    assert turned.sum() == 12 * 20
    depth = Image.fromarray((SCENE[..., 0].astype(np.uint16) + 50) * 10)
    assert read_depth(saved(tmp_path / "depth.png", 3, depth))[0, -1, -1] == 3000


def test_turning_is_told_once_for_a_folder(tmp_path: Path, caplog):
    for name in ("a.jpg", "b.jpg"):
        read_image(saved(tmp_path / name, 3))
    read_image(saved(tmp_path / "c.jpg", 1))
    assert caplog.text.count("turned upright") == 1


def ramp(folder: Path, bits: int, count: int = 3, brightest: float = 0.97) -> np.ndarray:
    """16-bit files of a camera of so many bits; what they show, 0 to 1."""
    folder.mkdir(exist_ok=True)
    shown = np.linspace(0, brightest, 24 * 40 * 3).reshape(24, 40, 3)
    for place in range(count):
        values = (shown * (0.5 if place else 1) * (2**bits - 1)).round().astype(np.uint16)
        cv2.imwrite(str(folder / f"{place}.png"), values[..., ::-1])
    return shown


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_white_is_what_the_camera_calls_white(tmp_path: Path, bits: int, caplog):
    shown = ramp(tmp_path / str(bits), bits)
    for place, share in enumerate((1, 0.5, 0.5)):  # the dark ones are not made brighter
        image = read_image(tmp_path / str(bits) / f"{place}.png").permute(1, 2, 0)
        assert np.abs(image.numpy() - share * shown).max() <= 1 / (2**bits - 1)
    told = f"taken for {bits} bits: white is {2**bits - 1}"
    assert caplog.text.count(told) == (bits < 16)


def test_a_picture_brighter_than_the_others_can_be_is_refused(tmp_path: Path):
    ramp(tmp_path, 10)
    read_image(tmp_path / "0.png")
    cv2.imwrite(str(tmp_path / "3.png"), np.full((24, 40, 3), 1500, np.uint16))
    with pytest.raises(DataError, match=r"3\.png: holds 1500, .* have 10 bits and end at 1023"):
        read_image(tmp_path / "3.png")


def test_16_bit_depth_is_never_scaled(tmp_path: Path):
    cv2.imwrite(str(tmp_path / "d.png"), np.full((24, 40), 800, np.uint16))
    assert read_depth(tmp_path / "d.png").max() == 800


def test_files_of_several_pictures_are_refused_with_their_number(tmp_path: Path):
    pages = [Image.fromarray(np.roll(SCENE, place, 1)) for place in range(3)]
    for name in ("pages.tiff", "moving.png"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
        with pytest.raises(DataError, match=f"{name}: holds 3 pictures, and one is expected"):
            read_image(tmp_path / name)
    tifffile.imwrite(tmp_path / "depth.tif", np.ones((2, 24, 40), np.float32))
    with pytest.raises(DataError, match="holds 2 pictures"):
        read_depth(tmp_path / "depth.tif")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "1", "P", "CMYK"])
def test_other_colour_models_show_the_same_picture(tmp_path: Path, mode: str):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(SCENE).convert(mode).save(path)
    shown = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1) / 255
    assert (read_image(path) - shown).abs().max() < 0.01


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP"])
def test_a_file_that_was_cut_is_no_grey_picture(tmp_path: Path, kind: str):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    Image.fromarray(noise).save(file, kind)
    path = tmp_path / f"cut.{kind.lower()}"
    path.write_bytes(file.getvalue()[: int(0.7 * len(file.getvalue()))])
    with pytest.raises(DataError, match="truncated or not an image"):
        read_image(path)


def test_pictures_of_floats_are_refused_by_name(tmp_path: Path):
    tifffile.imwrite(
        tmp_path / "f.tif", np.random.rand(24, 40, 3).astype(np.float32), photometric="rgb"
    )
    with pytest.raises(DataError, match=r"f\.tif: pixels of type float32; save it as an 8- or 16"):
        read_image(tmp_path / "f.tif")


def test_a_mask_in_a_jpeg_has_no_rim_of_noise(tmp_path: Path):
    mask = np.zeros((64, 96), np.uint8)
    mask[20:40, 30:61] = 255
    cv2.imwrite(str(tmp_path / "m.jpg"), mask, [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert (cv2.imread(str(tmp_path / "m.jpg"))[..., 0] > 0).sum() > 1.1 * (mask > 0).sum()
    assert (read_mask(tmp_path / "m.jpg")[0].numpy() == (mask > 0)).all()
