"""A folder of pairs: what is read, at which resolution, and every way in which it can be wrong."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from torch.utils.data import default_collate

from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import ConfigError, DataError
from m3depth.io.images import read_depth, read_image, read_mask, resize_image

RIG = {
    "fx": 30.0,
    "fy": 30.0,
    "cx": 20.0,
    "cy": 11.0,
    "baseline_mm": 4.5,
    "width": 40,
    "height": 24,
}
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real pairs are not beside the checkout")


def picture(path: Path, height: int = 24, width: int = 40, seed: int = 0) -> np.ndarray:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rgb[..., ::-1])
    return rgb


def write_rig(root: Path, **changed: object) -> None:
    entries = {k: v for k, v in (RIG | changed).items() if v is not None}
    (root / "rig.yaml").write_text(yaml.safe_dump(entries))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "clip"
    for seed, name in enumerate(("f10", "f9", "f1")):
        picture(root / "left" / f"{name}.png", seed=seed)
        picture(root / "right" / f"{name}.png", seed=seed + 10)
    write_rig(root)
    return root


def test_sample_has_pixels_rig_and_key_at_the_size_asked_for(root: Path) -> None:
    pairs = FolderPairs(root, (12, 20))
    sample = pairs[0]
    assert pairs.names == ["f1", "f9", "f10"]
    assert sample["key"] == "clip/f1"
    assert sample["left"].shape == sample["right"].shape == (3, 12, 20)
    assert "depth_mm" not in sample
    assert sample["rig"].fx == 15
    assert sample["rig"].cx == (20 + 0.5) / 2 - 0.5
    assert sample["rig"].cx_right == sample["rig"].cx  # what a rig.yaml without cx_right means
    assert sample["rig"].baseline_mm == 4.5


def test_native_size_keeps_every_pixel_in_rgb_order(root: Path) -> None:
    rgb = picture(root / "left" / "f1.png", seed=5)
    left = FolderPairs(root, (24, 40))[0]["left"]
    assert torch.equal((left * 255).round().byte().permute(1, 2, 0), torch.from_numpy(rgb))


def test_without_calibration_there_are_no_millimetres(root: Path) -> None:
    (root / "rig.yaml").unlink()
    assert not FolderPairs(root, (12, 20))[0]["rig"].calibrated


def test_depth_and_mask_stay_at_their_own_resolution(root: Path) -> None:
    depth = np.linspace(30, 90, 24 * 40, dtype=np.float32).reshape(24, 40)
    (root / "depth").mkdir()
    np.save(root / "depth" / "f1.npy", depth)
    mask = np.zeros((24, 40), np.uint8)
    mask[3:9] = 1
    (root / "mask").mkdir()
    cv2.imwrite(str(root / "mask" / "f1.png"), mask)

    with_truth, without_truth = FolderPairs(root, (12, 20))[0], FolderPairs(root, (12, 20))[1]
    assert torch.equal(with_truth["depth_mm"], torch.from_numpy(depth)[None])
    assert torch.equal(with_truth["mask"], torch.from_numpy(mask > 0)[None])
    assert without_truth["depth_mm"].shape == (1, 24, 40)
    assert not without_truth["depth_mm"].any()
    assert "depth_mm" not in FolderPairs(root, (12, 20), truth=False)[0]
    assert default_collate([with_truth, without_truth])["depth_mm"].shape == (2, 1, 24, 40)


def test_masks_come_along_without_depth_and_lone_ones_are_told_of(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mask = np.zeros((24, 40), np.uint8)
    mask[3:9] = 1
    (root / "mask").mkdir()
    cv2.imwrite(str(root / "mask" / "f1.png"), mask)
    pairs = FolderPairs(root, (12, 20))
    assert torch.equal(pairs[0]["mask"], torch.from_numpy(mask > 0)[None])
    assert pairs[1]["mask"].all()
    assert "mask: none for f9, f10 (2 of 3): every pixel of them is used" in caplog.text
    assert "depth_mm" not in pairs[0]
    cv2.imwrite(str(root / "mask" / "f9.png"), mask[:, :30])
    with pytest.raises(DataError, match=r"f9\.png: 30x24, but the image is 40x24"):
        FolderPairs(root, None)[1]
    cv2.imwrite(str(root / "mask" / "f1_tool.png"), mask)
    with pytest.raises(DataError, match=r"mask without left: f1_tool \(1\)"):
        FolderPairs(root, (12, 20))


@pytest.mark.parametrize("arrays", [("depth",), ("anything",), ("confidence", "depth_mm")])
def test_depth_and_mask_may_be_arrays_with_names(root: Path, arrays: tuple[str, ...]) -> None:
    depth = np.full((12, 20), 55.0, np.float32)
    used = np.ones((12, 20), bool)
    used[0] = False
    for folder in ("depth", "mask"):
        (root / folder).mkdir()
    for name in ("f1", "f9", "f10"):
        np.savez(root / f"depth/{name}.npz", **{array: depth for array in arrays})
        np.save(root / f"mask/{name}.npy", used)
    sample = FolderPairs(root, None)[0]
    assert sample["depth_mm"].unique().tolist() == [55]
    assert sample["mask"][0].numpy().tolist() == used.tolist()
    np.savez(root / "depth/f1.npz", one=depth, other=depth)
    with pytest.raises(DataError, match=r"f1.npz: no array 'depth_mm' or 'depth' among one, other"):
        FolderPairs(root, None)[0]


def test_files_that_are_there_and_not_read_are_told_or_refused(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder, name in (("depth", "f1.exr"), ("masks", "f1.png"), ("notes", "a.txt")):
        (root / folder).mkdir()
        (root / folder / name).write_bytes(b"x")
    with pytest.raises(DataError, match=r"depth: 1 files of a kind that is not read here: f1.exr"):
        FolderPairs(root, None)
    np.save(root / "depth/f9.npy", np.ones((24, 40)))
    FolderPairs(root, None)
    assert "f1.exr; save them as one of .npy .npz" in caplog.text
    assert "depth: none for f1, f10 (2 of 3): they are left out of scores in mm" in caplog.text
    assert "not used: masks/; the folders of a set are left/, right/, depth/, mask/" in caplog.text


def test_only_without_and_repeat_choose_frames(root: Path) -> None:
    pairs = FolderPairs(root, (12, 20), only=["f1", "f9"], without=["f9"], repeat=3)
    assert [sample["key"] for sample in pairs] == ["clip/f1"] * 3


def test_a_batch_collates_into_one_rig_of_tensors(root: Path) -> None:
    batch = default_collate([FolderPairs(root, (12, 20))[i] for i in range(3)])
    assert batch["rig"].fx.shape == (3,)
    assert batch["key"] == ["clip/f1", "clip/f9", "clip/f10"]


def drop_left(root: Path) -> None:
    for path in (root / "left").iterdir():
        path.unlink()


BROKEN_FOLDERS = {
    "left without right: f9": lambda root: (root / "right" / "f9.png").unlink(),
    "right without left: f9": lambda root: (root / "left" / "f9.png").unlink(),
    "several files of one name: f9": lambda root: picture(root / "left" / "f9.jpg"),
    "depth without left: f2": lambda root: picture(root / "depth" / "f2.png"),
    "left: empty": drop_left,
    "missing fy": lambda root: write_rig(root, fy=None),
    "cx_right is of a second camera": lambda root: write_rig(root, baseline_mm=None, cx_right=21.0),
    "unknown focal": lambda root: write_rig(root, focal=3.0),
    "fx is 'wide'": lambda root: write_rig(root, fx="wide"),
    "cx is nan": lambda root: write_rig(root, cx=float("nan")),
    "baseline_mm is -4.5; it must be positive, in millimetres, with the right": (
        lambda root: write_rig(root, baseline_mm=-4.5)
    ),
    "baseline_mm is 0": lambda root: write_rig(root, baseline_mm=0),
    "fx is 0": lambda root: write_rig(root, fx=0),
    "the image is 40x24 but rig.yaml is for 80x48": (
        lambda root: write_rig(root, fx=60.0, fy=60.0, cx=40.5, cy=22.5, width=80, height=48)
    ),
    "rig.yaml: not YAML": lambda root: (root / "rig.yaml").write_text("fx: [1"),
    "expected lines of 'key: number'": lambda root: (root / "rig.yaml").write_text("12"),
}


@pytest.mark.parametrize("message", BROKEN_FOLDERS)
def test_a_broken_folder_is_refused_at_construction_in_one_line(root: Path, message: str) -> None:
    FolderPairs(root, (12, 20))
    BROKEN_FOLDERS[message](root)
    with pytest.raises(DataError) as caught:
        FolderPairs(root, (12, 20))
    assert message in str(caught.value)
    assert str(root) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pairs_without_a_baseline_keep_their_camera_and_say_so(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_rig(root, baseline_mm=None)
    rig = FolderPairs(root, None)[0]["rig"]
    assert [float(value) for value in rig] == [30, 30, 20, 11, 20, 0]
    assert "rig.yaml: no baseline_mm, so disparity gives no depth in mm" in caplog.text


def test_a_missing_root_and_an_unknown_name_are_named(root: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        FolderPairs(root / "nowhere", (12, 20))
    with pytest.raises(DataError, match="no such frame: f77"):
        FolderPairs(root, (12, 20), only=["f77"])
    with pytest.raises(DataError, match="no frame is left"):
        FolderPairs(root, (12, 20), without=["f1", "f9", "f10"])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


BROKEN_FRAMES = {
    "sizes must be the same": lambda root: picture(root / "right" / "f9.png", 24, 30),
    "the image is 20x24 but rig.yaml is for 40x24": lambda root: (
        picture(root / "left" / "f9.png", 24, 20),
        picture(root / "right" / "f9.png", 24, 20),
    ),
    "truncated or not an image": lambda root: cut_short(root / "left" / "f9.png"),
    "empty file": lambda root: (root / "right" / "f9.png").write_bytes(b""),
    "cannot be read": lambda root: (root / "right" / "f9.png").unlink(),
}


@pytest.mark.parametrize("message", BROKEN_FRAMES)
def test_a_broken_frame_is_refused_when_it_is_read_and_no_other(root: Path, message: str) -> None:
    pairs = FolderPairs(root, (12, 20))
    BROKEN_FRAMES[message](root)
    with pytest.raises(DataError, match=message) as caught:
        pairs[1]
    assert "f9.png" in str(caught.value)
    assert pairs[0]["key"] == "clip/f1"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_of_every_depth_and_channel_count_read_as_rgb(
    tmp_path: Path, dtype: type, channels: int
) -> None:
    top = np.iinfo(dtype).max
    pixels = np.zeros((5, 7, channels), dtype)
    pixels[..., 0] = top  # blue for OpenCV, or white when it is the only channel
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    expected = [1.0, 1.0, 1.0] if channels == 1 else [0.0, 0.0, 1.0]
    assert read_image(tmp_path / "a.png")[:, 2, 3].tolist() == expected


@pytest.mark.parametrize("name", ["d.npy", "d.tiff", "d.pfm"])
def test_float_depth_round_trips_and_not_finite_is_unknown(tmp_path: Path, name: str) -> None:
    depth = np.array([[31.25, np.inf, 40.5], [np.nan, -1.0, 0.0]], np.float32)
    write = {
        ".npy": lambda path: np.save(path, depth),
        ".tiff": lambda path: cv2.imwrite(str(path), depth),
        ".pfm": lambda path: path.write_bytes(
            b"Pf\n3 2\n0.0039\n" + depth[::-1].astype(">f4").tobytes()
        ),
    }
    write[Path(name).suffix](tmp_path / name)
    expected = torch.tensor([[[31.25, 0.0, 40.5], [0.0, 0.0, 0.0]]])
    assert torch.equal(read_depth(tmp_path / name), expected)


def test_little_endian_pfm_and_16_bit_png_are_millimetres(tmp_path: Path) -> None:
    depth = np.array([[300.0, 1000.0]], np.float32)
    (tmp_path / "d.pfm").write_bytes(b"Pf\n2 1\n-1.0\n" + depth.astype("<f4").tobytes())
    cv2.imwrite(str(tmp_path / "d.png"), depth.astype(np.uint16))
    assert read_depth(tmp_path / "d.pfm").tolist() == [[[300.0, 1000.0]]]
    assert read_depth(tmp_path / "d.png").tolist() == [[[300.0, 1000.0]]]


BAD_DEPTH = {
    "8-bit depth": lambda path: cv2.imwrite(
        str(path.with_suffix(".png")), np.ones((3, 4), np.uint8)
    ),
    "one channel": lambda path: np.save(path, np.ones((3, 4, 3))),
    "not one finite": lambda path: np.save(path, np.full((3, 4), np.nan)),
    "not a readable .npy": lambda path: path.write_bytes(b"\x93NUMPY"),
    "not an array of numbers": lambda path: np.save(path, np.array([["a"]])),
    "not a whole PFM": lambda path: path.with_suffix(".pfm").write_bytes(b"Pf\n3 2\n-1\n1234"),
    "PFM of another kind": lambda path: path.with_suffix(".pfm").write_bytes(b"PF\n1 1\n-1\n1234"),
}


@pytest.mark.parametrize("message", BAD_DEPTH)
def test_bad_depth_is_refused_by_name(tmp_path: Path, message: str) -> None:
    BAD_DEPTH[message](tmp_path / "d.npy")
    (path,) = tmp_path.iterdir()
    with pytest.raises(DataError, match=message) as caught:
        read_depth(path)
    assert str(path) in str(caught.value)


def test_a_mask_uses_every_pixel_that_is_not_black(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 1, 2] = 7
    pixels[..., 3] = 255  # opaque is not "use"
    cv2.imwrite(str(tmp_path / "m.png"), pixels)
    assert read_mask(tmp_path / "m.png").tolist() == [[[False, True], [False, False]]]


def test_shrinking_filters_what_the_small_grid_cannot_hold() -> None:
    stripes = torch.zeros(3, 32, 32)
    stripes[..., ::4] = 1
    inside = resize_image(stripes, (8, 8))[..., 1:-1]
    assert (inside - 0.25).abs().max() < 0.05  # without the filter it is 0: between the stripes


@real
@pytest.mark.real
def test_real_surgery_reads_as_uncalibrated_pairs() -> None:
    pairs = FolderPairs(REAL / "davinci_cruciani", (128, 160))
    sample = pairs[0]
    assert len(pairs) == 18
    assert sample["left"].shape == (3, 128, 160)
    assert 0.05 < sample["left"].mean() < 0.95
    assert not sample["rig"].calibrated


@real
@pytest.mark.real
def test_real_pfm_agrees_with_its_description() -> None:
    disparity = read_depth(REAL / "middlebury_motorcycleQ" / "disp0GT.pfm")
    known = disparity[disparity > 0]
    assert disparity.shape == (1, 497, 741)
    assert known.min() == pytest.approx(9.18, abs=0.01)
    assert known.max() == pytest.approx(62.88, abs=0.01)
    assert len(known) / disparity.numel() == pytest.approx(0.979, abs=0.001)


def test_depth_that_was_cropped_is_refused_and_depth_of_half_the_size_is_not(root: Path) -> None:
    (root / "depth").mkdir()
    np.save(root / "depth/f1.npy", np.full((12, 20), 50.0, np.float32))
    np.save(root / "depth/f9.npy", np.full((24, 32), 50.0, np.float32))
    pairs = FolderPairs(root, None)
    assert pairs[0]["depth_mm"].shape == (1, 12, 20)
    with pytest.raises(DataError, match=r"f9\.npy: 32x24, but the image is 40x24: not the same sh"):
        pairs[1]


def test_a_calibration_of_another_name_is_told_and_a_broken_link_refused(
    root: Path, caplog
) -> None:
    (root / "rig.yaml").rename(root / "calib.json")
    FolderPairs(root, None)
    assert "not used: calib.json; the calibration of a set is its rig.yaml" in caplog.text
    (root / "rig.yaml").symlink_to(root / "nowhere.yaml")
    with pytest.raises(DataError, match=r"rig\.yaml: cannot be read"):
        FolderPairs(root, None)


def test_folders_and_pipes_among_the_pictures(root: Path, caplog) -> None:
    first = min((root / "left").iterdir())
    (root / "left/older").mkdir()
    shutil.copy(first, root / "left/older")
    FolderPairs(root, None)
    assert "left: folders in it are not read: older" in caplog.text
    first.unlink()
    os.mkfifo(first)  # reading it would wait for ever
    with pytest.raises(DataError, match="a folder or a pipe where a file is expected"):
        FolderPairs(root, None)


def test_a_link_that_leads_to_itself_is_a_frame_that_cannot_be_read(root: Path) -> None:
    first = min((root / "left").iterdir())
    pairs = FolderPairs(root, None, only=[first.stem])
    first.unlink()
    first.symlink_to(first.name)
    assert len(pairs.places()) == 1
    with pytest.raises(DataError, match=first.name):
        pairs[0]


def test_names_may_be_numbers_and_a_bare_word_is_no_list(root: Path) -> None:
    for side in ("left", "right"):
        for number, path in enumerate(sorted((root / side).iterdir())):
            path.rename(path.with_name(f"{number + 10}.png"))
    assert FolderPairs(root, None, only=[10, "11"]).names == ["10", "11"]
    with pytest.raises(ConfigError, match=r"only=10: expected a list of names, \[10\]"):
        FolderPairs(root, None, only="10")
