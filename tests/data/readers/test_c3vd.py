"""A miniature C3VD of the built-in scenes, bent by the lens's own formula."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from fisheye_scenes import WideView, pixels, slopes, smaller

from m3depth.data.readers.c3vd import C3VDVideos
from m3depth.errors import DataError

LENS = smaller(2)
SIZE = (LENS.height, LENS.width)


def write_frame(folder: Path, number: str, view: WideView) -> None:
    image, depth = view.at(*slopes(LENS, *pixels(LENS)))
    rgb = (image * 255).round().astype(np.uint8)
    cv2.imwrite(str(folder / f"{number}_color.png"), rgb[..., ::-1])
    raw = np.clip(depth * 65535 / 100, 0, 65535).round().astype(np.uint16)
    cv2.imwrite(str(folder / f"{int(number):04d}_depth.tiff"), raw)


def write_video(folder: Path, views: list[WideView], padded: bool = True) -> Path:
    folder.mkdir(parents=True)
    for n, view in enumerate(views):
        write_frame(folder, f"{n:04d}" if padded else str(n), view)
    lines = [",".join(f"{v:.9g}" for v in view.camera_to_world.T.flatten()) for view in views]
    (folder / "pose.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def views() -> list[WideView]:
    return [WideView(index, SIZE) for index in (0, 2)]  # no horizon in view


@pytest.fixture(scope="session")
def c3vd(tmp_path_factory: pytest.TempPathFactory, views: list[WideView]) -> Path:
    """Read only: tests that break something write their own."""
    root = tmp_path_factory.mktemp("C3VD")
    write_video(root / "cecum_t1_a", views, padded=False)
    write_video(root / "trans_t2_b", views[:1])
    return root


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Three grey frames at 50 mm, quick to write."""
    folder = tmp_path / "C3VD/sigmoid_t1_a"
    folder.mkdir(parents=True)
    for n in range(3):
        cv2.imwrite(str(folder / f"{n:04d}_color.png"), np.full((*SIZE, 3), 99, np.uint8))
        cv2.imwrite(str(folder / f"{n:04d}_depth.tiff"), np.full(SIZE, 32768, np.uint16))
    row = ",".join(str(v) for v in np.eye(4).flatten())
    (folder / "pose.txt").write_text(f"{row}\n{row}\n{row}\n")
    return folder


def test_depth_comes_back_on_the_pinhole_s_pixels(c3vd: Path, views: list[WideView]):
    for sample, view in zip(
        C3VDVideos(c3vd, None, ["cecum_t1_a"], camera=LENS), views, strict=True
    ):
        x, y = pixels(LENS)
        rig = sample["rig"]
        right = (x - float(rig.cx)) / float(rig.fx)
        down = (y - float(rig.cy)) / float(rig.fy)
        image, depth = view.at(right, down)
        in_reach = (depth > 0) & (depth < 99)
        known = (sample["depth_mm"][0].numpy() > 0) & in_reach
        assert known.sum() > 0.99 * in_reach.sum()
        assert known.mean() > 0.6
        error = np.abs(sample["depth_mm"][0].numpy() - depth)[known]
        assert np.median(error) < 0.1
        assert np.quantile(error, 0.95) < 0.5
        unlike = np.abs(sample["left"].permute(1, 2, 0).numpy() - image).mean(-1)
        assert unlike[known].mean() < 0.01


def test_undistortion_is_needed_for_it(c3vd: Path, views: list[WideView]):
    """The same frame read as if the lens were a pinhole is off by millimetres."""
    sample = C3VDVideos(c3vd, None, ["trans_t2_b"], camera=LENS)[0]
    raw = cv2.imread(str(c3vd / "trans_t2_b/0000_depth.tiff"), -1) * (100 / 65535)
    straight = sample["depth_mm"][0].numpy()
    both = (raw > 0) & (straight > 0)
    assert np.quantile(np.abs(raw - straight)[both], 0.95) > 1


def test_a_sample_has_one_view_a_pose_and_the_baseline_it_is_given(
    c3vd: Path, views: list[WideView]
):
    sample = C3VDVideos(c3vd, (64, 80), baseline_mm=4.2, camera=LENS)[1]
    assert sample.keys() == {"left", "rig", "key", "depth_mm", "camera_to_world"}
    assert sample["left"].shape == (3, 64, 80)
    assert sample["depth_mm"].shape == (1, *SIZE)
    rig = sample["rig"]
    assert float(rig.baseline_mm) == pytest.approx(4.2)
    assert float(rig.fx) == pytest.approx(LENS.a0 * 80 / LENS.width)
    assert float(rig.cx) == pytest.approx((LENS.cx + 0.5) * 80 / LENS.width - 0.5, abs=1e-4)
    assert float(rig.principal_offset) == 0
    np.testing.assert_allclose(sample["camera_to_world"], views[1].camera_to_world, atol=1e-4)
    assert not C3VDVideos(c3vd, (64, 80), camera=LENS)[0]["rig"].calibrated


def test_frames_come_in_the_order_of_their_numbers_padded_or_not(flat: Path):
    for n in range(3, 12):
        for ending in ("color.png", "depth.tiff"):
            (flat / f"{n}_{ending}").write_bytes((flat / f"0000_{ending}").read_bytes())
    row = (flat / "pose.txt").read_text().splitlines()[0]
    (flat / "pose.txt").write_text("\n".join([row] * 12))
    keys = [frame.key for frame in C3VDVideos(flat.parent, None, camera=LENS).frames]
    assert keys == [f"sigmoid_t1_a/{n:04d}" for n in range(12)]


def test_0_and_65535_are_unknown(flat: Path):
    raw = np.full(SIZE, 32768, np.uint16)
    raw[: SIZE[0] // 2] = 0
    raw[SIZE[0] // 2 :, : SIZE[1] // 2] = 65535
    cv2.imwrite(str(flat / "0000_depth.tiff"), raw)
    depth = C3VDVideos(flat, None, camera=LENS)[0]["depth_mm"]
    assert depth.unique().tolist() == pytest.approx([0, 32768 / 65535 * 100])
    assert 0.2 < (depth > 0).float().mean() < 0.3


@pytest.mark.parametrize("up", [0, 1, 2])
def test_the_root_may_be_the_video_or_lie_above_it(flat: Path, up: int):
    root = [flat, *flat.parents][up]
    assert C3VDVideos(root, None, camera=LENS).frames[0].key == "sigmoid_t1_a/0000"
    assert len(C3VDVideos(root, None, camera=LENS, repeat=2)) == 6


def test_the_smallest_count_is_used_and_said(flat: Path, caplog: pytest.LogCaptureFixture):
    (flat / "0002_depth.tiff").unlink()
    with caplog.at_level(logging.WARNING):
        videos = C3VDVideos(flat, None, camera=LENS)
    assert [frame.key[-4:] for frame in videos.frames] == ["0000", "0001"]
    assert "3 colour images, 2 depth maps and 3 poses; the 2 frames that have" in caplog.text


def test_no_videos_say_what_is_expected(tmp_path: Path):
    with pytest.raises(DataError, match=r"no folder with \*_color\.png there"):
        C3VDVideos(tmp_path, None)


def test_an_unknown_video_is_named(flat: Path):
    with pytest.raises(DataError, match=r"no such folder: cecum_t9_z"):
        C3VDVideos(flat.parent, None, ["cecum_t9_z"])


def test_missing_poses_are_named(flat: Path):
    (flat / "pose.txt").unlink()
    with pytest.raises(DataError, match=r"pose\.txt: cannot be read"):
        C3VDVideos(flat.parent, None)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1,2,3", "pose 1: 3 numbers, 4x4 finite ones expected"),
        ("1,0,0,5,0,1,0,6,0,0,1,7,0,0,0,1", r"pose 1: not \*transposed\*"),
        ("a" + ",0" * 15, "not a table of numbers"),
        ("nan" + ",0" * 15, "holds NaN"),
    ],
)
def test_a_line_that_is_no_transposed_pose_is_named(flat: Path, line: str, what: str):
    rows = (flat / "pose.txt").read_text().splitlines()
    (flat / "pose.txt").write_text("\n".join([rows[0], line, rows[2]]))
    with pytest.raises(DataError, match=rf"pose\.txt.*{what}"):
        C3VDVideos(flat.parent, None)


@pytest.mark.parametrize("ending", ["color.png", "depth.tiff"])
def test_a_truncated_file_is_named(flat: Path, ending: str):
    path = flat / f"0001_{ending}"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match=rf"0001_{ending}: truncated or not an image"):
        C3VDVideos(flat, None, camera=LENS)[1]


def test_images_of_another_size_are_refused(flat: Path):
    with pytest.raises(DataError, match=r"0000_color\.png: 675x540, but .* 1350x1080"):
        C3VDVideos(flat, None)[0]


def test_depth_of_8_bits_is_refused(flat: Path):
    cv2.imwrite(str(flat / "0000_depth.tiff"), np.full(SIZE, 99, np.uint8))
    with pytest.raises(DataError, match=r"0000_depth\.tiff: 8-bit depth"):
        C3VDVideos(flat, None, camera=LENS)[0]


def test_samples_of_several_videos_make_a_batch(c3vd: Path):
    loader = torch.utils.data.DataLoader(C3VDVideos(c3vd, (32, 40), camera=LENS), batch_size=3)
    (batch,) = loader
    assert batch["key"] == ["cecum_t1_a/0000", "cecum_t1_a/0001", "trans_t2_b/0000"]
    assert batch["rig"].fx.shape == (3,)
