"""A miniature scene in Middlebury's own files, and the real one where it is there."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from m3depth.data.readers.middlebury import MiddleburyScene
from m3depth.errors import DataError
from m3depth.geometry.warp import warp
from m3depth.io.images import read_depth
from m3depth.types.disparity import depth_from_disparity, disparity_from_depth

HEIGHT, WIDTH, FOCAL, BASELINE, DOFFS = 12, 20, 50.0, 193.0, 4.0
REAL = Path(__file__).parents[3] / "shared/data/middlebury_motorcycleQ"


def write_pfm(path: Path, rows: np.ndarray) -> None:
    """Little-endian, from the bottom row up; the scale is Middlebury's 1/255 with its sign."""
    header = f"Pf\n{rows.shape[1]} {rows.shape[0]}\n-0.003922\n".encode()
    path.write_bytes(header + rows[::-1].astype("<f4").tobytes())


@pytest.fixture
def disparity() -> np.ndarray:
    rows = np.linspace(3, 9, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float32)
    rows[2, 3] = rows[7, :4] = np.inf
    return rows


@pytest.fixture
def root(tmp_path: Path, disparity: np.ndarray) -> Path:
    folder = tmp_path / "Miniature"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("im0", "im1"):
        pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), pixels)
    write_pfm(folder / "disp0GT.pfm", disparity)
    seen = np.full((HEIGHT, WIDTH), 255, np.uint8)
    seen[:, :6] = 128
    seen[0] = 0
    cv2.imwrite(str(folder / "mask0nocc.png"), seen)
    k = "[{} 0 {}; 0 {} 5.5; 0 0 1]"
    (folder / "calib.txt").write_text(
        f"cam0={k.format(FOCAL, 9.5, FOCAL)}\ncam1={k.format(FOCAL, 9.5 + DOFFS, FOCAL)}\n"
        f"doffs={DOFFS}\nbaseline={BASELINE}\nwidth={WIDTH}\nheight={HEIGHT}\nndisp=16\n"
    )
    return folder


def test_depth_is_focal_times_baseline_over_disparity_plus_doffs(root: Path, disparity: np.ndarray):
    depth = MiddleburyScene(root, (HEIGHT, WIDTH))[0]["depth_mm"][0].numpy()
    known = np.isfinite(disparity)
    np.testing.assert_allclose(depth[known], (BASELINE * FOCAL / (disparity + DOFFS))[known], 1e-5)
    assert (depth[~known] == 0).all()


def test_truth_keeps_its_own_resolution_and_the_rig_follows_the_images(root: Path):
    half = MiddleburyScene(root, (HEIGHT // 2, WIDTH // 2))[0]
    assert half["left"].shape == half["right"].shape == (3, HEIGHT // 2, WIDTH // 2)
    assert half["depth_mm"].shape == (1, HEIGHT, WIDTH)
    rig = half["rig"]
    assert (float(rig.fx), float(rig.baseline_mm)) == (FOCAL / 2, BASELINE)
    assert float(rig.principal_offset) == pytest.approx(-DOFFS / 2)
    assert float(rig.cx) == pytest.approx((9.5 + 0.5) / 2 - 0.5)
    assert half["key"] == "Miniature"


def test_without_truth_the_pair_has_none(root: Path):
    (root / "disp0GT.pfm").rename(root / "disp0.pfm")
    assert "depth_mm" in MiddleburyScene(root, (HEIGHT, WIDTH))[0]
    (root / "disp0.pfm").unlink()
    assert "depth_mm" not in MiddleburyScene(root, (HEIGHT, WIDTH))[0]


def test_the_one_pair_is_repeated(root: Path):
    scene = MiddleburyScene(root, (HEIGHT, WIDTH), repeat=3)
    assert len(scene) == len(list(scene)) == 3
    assert torch.equal(scene[0]["left"], scene[2]["left"])


def test_visible_only_leaves_out_what_one_camera_sees(root: Path):
    assert "mask" not in MiddleburyScene(root, (HEIGHT, WIDTH))[0]
    mask = MiddleburyScene(root, (HEIGHT, WIDTH), visible_only=True)[0]["mask"]
    seen = torch.ones(1, HEIGHT, WIDTH, dtype=torch.bool)
    seen[:, :, :6] = False  # 128: seen by the left camera only
    seen[:, 0] = False
    assert torch.equal(mask, seen)


def test_a_missing_scene_says_where(tmp_path: Path):
    with pytest.raises(DataError, match=r"nowhere/calib\.txt: cannot be read"):
        MiddleburyScene(tmp_path / "nowhere", (HEIGHT, WIDTH))


@pytest.mark.parametrize(
    ("old", "new"),
    [("cam1=", "cam7="), ("baseline=193.0", "baseline=wide"), ("; 0 50.0 5.5; 0 0 1]", "")],
)
def test_a_broken_calibration_says_so(root: Path, old: str, new: str):
    path = root / "calib.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=r"calib\.txt: not a Middlebury calibration"):
        MiddleburyScene(root, (HEIGHT, WIDTH))


@pytest.mark.parametrize("baseline", ["0", "-193.0"])
def test_a_baseline_that_no_rig_has_is_refused(root: Path, baseline: str):
    path = root / "calib.txt"
    path.write_text(path.read_text().replace("baseline=193.0", f"baseline={baseline}"))
    with pytest.raises(DataError, match="baseline"):
        MiddleburyScene(root, (HEIGHT, WIDTH))


def test_images_of_another_size_than_the_calibration_s_are_refused(root: Path):
    path = root / "calib.txt"
    path.write_text(path.read_text().replace(f"width={WIDTH}", f"width={2 * WIDTH}"))
    with pytest.raises(DataError, match=r"im0\.png"):
        MiddleburyScene(root, (HEIGHT, WIDTH))[0]


def test_views_of_different_sizes_are_refused(root: Path):
    cv2.imwrite(str(root / "im1.png"), np.zeros((HEIGHT, WIDTH - 2, 3), np.uint8))
    with pytest.raises(DataError, match=r"im1\.png"):
        MiddleburyScene(root, (HEIGHT, WIDTH))[0]


def test_truth_and_masks_of_another_size_than_the_image_are_refused(root: Path):
    rows = np.full((HEIGHT // 2, WIDTH // 2), 9.0, np.float32)
    cv2.imwrite(str(root / "mask0nocc.png"), np.full(rows.shape, 255, np.uint8))
    with pytest.raises(DataError, match=r"mask0nocc\.png: .* but the left image is"):
        MiddleburyScene(root, (HEIGHT, WIDTH), visible_only=True)[0]
    write_pfm(root / "disp0GT.pfm", rows)
    with pytest.raises(DataError, match=r"disp0GT\.pfm: .* but the left image is"):
        MiddleburyScene(root, (HEIGHT, WIDTH))[0]


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason=f"no {REAL}")
def test_the_true_disparity_rebuilds_the_real_left_view():
    native = MiddleburyScene(REAL, (1, 1)).native
    sample = MiddleburyScene(REAL, native, visible_only=True)[0]
    depth, rig = sample["depth_mm"], sample["rig"]
    disparity = disparity_from_depth(depth, rig)
    torch.testing.assert_close(
        disparity[depth > 0], read_depth(REAL / "disp0GT.pfm")[depth > 0], rtol=1e-4, atol=1e-3
    )
    back = depth_from_disparity(disparity, rig)
    torch.testing.assert_close(back[depth > 0], depth[depth > 0], rtol=1e-4, atol=0)
    rebuilt, visible = warp(sample["right"][None], -disparity[None])
    use = (visible[0] & sample["mask"] & (depth > 0))[0]
    assert use.float().mean() > 0.5

    def error(image: torch.Tensor) -> float:
        return float((image - sample["left"]).abs().mean(0)[use].mean())

    assert error(rebuilt[0]) < 0.03
    assert error(rebuilt[0]) < 0.25 * error(sample["right"])
