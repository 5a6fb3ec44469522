from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from stereo_fakes import HEIGHT, WIDTH, Frames, plane, sample

from m3depth.errors import ConfigError, DataError
from m3depth.evaluation.alignment import median, none
from m3depth.evaluation.doubts import doubts, unit_doubt
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.result import Evaluation
from m3depth.io.files import write_npy, write_npz
from m3depth.io.odd_numbers import odd
from m3depth.sources.folder import FolderSource
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig

PLAIN = Protocol("plain", 0.0, float("inf"), none)
ALIGNED = Protocol("aligned", 0.0, float("inf"), median)
DEPTHS = (40.0, 55.0, 80.0)


def known() -> list[StereoBatch]:
    return [sample(plane(depth, slope=0.2), seed) for seed, depth in enumerate(DEPTHS)]


def depth_of(frame: StereoBatch, scale: float = 1.1) -> np.ndarray:
    return scale * frame["depth_mm"][0].numpy()


def run(folder: FolderSource, *protocols: Protocol, skip: bool = False) -> Evaluation:
    return evaluate(folder, Frames(*known()), protocols or [PLAIN], skip_missing=skip)


def write_all(root: Path, scale: float = 1.1) -> Path:
    for frame in known():
        write_npy(root / f"{frame['key']}.npy", depth_of(frame, scale))
    return root


def test_depth_by_key(tmp_path: Path) -> None:
    metrics = run(FolderSource(write_all(tmp_path))).first.metrics
    assert metrics["abs_rel"] == pytest.approx(0.1, abs=1e-6)
    assert metrics["density"] == 1
    assert metrics["ssim"] > 0


def save(path: Path, depth: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, depth)
    elif path.suffix == ".npz":
        np.savez(path, depth_mm=depth)
    elif path.suffix == ".tiff":
        tifffile.imwrite(path, depth.astype(np.float32))
    elif path.suffix == ".pfm":
        head = f"Pf\n{depth.shape[1]} {depth.shape[0]}\n-1.0\n".encode()
        path.write_bytes(head + depth[::-1].astype("<f4").tobytes())
    else:
        cv2.imwrite(str(path), (depth * 256).round().astype(np.uint16))


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".tiff", ".pfm", ".png"])
def test_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    for frame in known():
        save(tmp_path / f"{frame['key']}{suffix}", depth_of(frame))
    scale = 1 / 256 if suffix == ".png" else 1.0
    metrics = run(FolderSource(tmp_path, "depth_mm", scale)).first.metrics
    assert metrics["abs_rel"] == pytest.approx(0.1, abs=1e-4)


def test_metres(tmp_path: Path) -> None:
    folder = FolderSource(write_all(tmp_path, 1.1e-3), "depth_mm", 1000)
    assert run(folder).first.metrics["abs_rel"] == pytest.approx(0.1, abs=1e-6)


def test_disparity_is_in_pixels_of_the_file_s_own_width(tmp_path: Path) -> None:
    for frame in known():
        disparity = 300 / depth_of(frame, 1.0)  # fx · b = 300 mm·px at the image's width
        write_npy(tmp_path / f"{frame['key']}.npy", 2 * disparity.repeat(2, 0).repeat(2, 1))
    evaluation = run(FolderSource(tmp_path, "disparity_px"))
    assert evaluation.first.metrics["epe_px"] < 0.01
    assert evaluation.first.scale["median_ratio"] == pytest.approx(1, rel=1e-3)


def test_a_relative_inverse_depth_needs_an_alignment_and_the_scale_tells(tmp_path: Path) -> None:
    for frame in known():
        write_npy(tmp_path / f"{frame['key']}.npy", 7 / depth_of(frame, 1.0))
    evaluation = run(FolderSource(tmp_path, "inverse_depth"), PLAIN, ALIGNED)
    plain, aligned = evaluation.results
    assert plain.metrics["abs_rel"] > 0.8
    assert aligned.metrics["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert plain.scale["median_ratio"] == pytest.approx(7, rel=1e-4)


def test_m3depth_s_own_predictions_are_read_beside_their_pictures(tmp_path: Path) -> None:
    for frame in known():
        depth = depth_of(frame)
        arrays = {"disparity_px": 300 / depth, "depth_mm": depth, "confidence": depth}
        write_npz(tmp_path / f"{frame['key']}.npz", **arrays)
        cv2.imwrite(str(tmp_path / f"{frame['key']}.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    for kind in ("depth_mm", "disparity_px"):
        metrics = run(FolderSource(tmp_path, kind)).first.metrics
        assert metrics["abs_rel"] == pytest.approx(0.1, abs=1e-5)
    with pytest.raises(DataError, match="holds depth, as it says itself, and kind=inverse_depth"):
        run(FolderSource(tmp_path, "inverse_depth"))


def test_the_last_part_of_the_key_will_do(tmp_path: Path) -> None:
    for frame in known():
        write_npy(tmp_path / "theirs" / f"{str(frame['key'])[-6:]}.npy", depth_of(frame))
    assert run(FolderSource(tmp_path)).first.metrics["abs_rel"] == pytest.approx(0.1, abs=1e-6)


def test_the_last_part_must_be_unambiguous(tmp_path: Path) -> None:
    for name in ("a/000000", "b/000000"):
        write_npy(tmp_path / f"{name}.npy", depth_of(known()[0]))
    with pytest.raises(DataError, match=r"000000 is ambiguous.*a/000000 and b/000000"):
        run(FolderSource(tmp_path))


def test_two_frames_do_not_share_a_file(tmp_path: Path) -> None:
    write_npy(tmp_path / "000000.npy", depth_of(known()[0]))
    frames = [known()[0], known()[0]]
    frames[1] = {**frames[1], "key": "other/000000", "left": 1 - frames[1]["left"]}
    with pytest.raises(DataError, match=r"ambiguous.*fake/000000 and other/000000"):
        evaluate(FolderSource(tmp_path), Frames(*frames), [PLAIN])


def test_missing_files_are_counted_named_and_refused_unless_told(tmp_path: Path) -> None:
    write_all(tmp_path)
    for i in (0, 2):
        (tmp_path / f"fake/{i:06d}.npy").unlink()
    with pytest.raises(DataError, match=r"2 of 3 .*fake/000000.*fake/000002.*missing=skip"):
        run(FolderSource(tmp_path))
    evaluation = run(FolderSource(tmp_path), skip=True)
    assert evaluation.first.frames == 1
    assert [s["frame"] for s in evaluation.skipped] == [0, 2]
    assert "fake/000000" in evaluation.skipped[0]["why"]


def test_another_resolution_of_the_same_shape_and_no_other_shape(tmp_path: Path) -> None:
    for frame in known():
        write_npy(tmp_path / f"{frame['key']}.npy", depth_of(frame)[::2, ::2])
    assert run(FolderSource(tmp_path)).first.metrics["abs_rel"] == pytest.approx(0.1, abs=0.02)
    write_npy(tmp_path / "fake/000001.npy", depth_of(known()[1])[:, 6:])
    with pytest.raises(DataError, match=r"000001.npy: 58x32, but frame fake/000001 is 64x32"):
        run(FolderSource(tmp_path))


def test_holes_are_left_out_as_the_matcher_s_are_and_told(tmp_path: Path) -> None:
    write_all(tmp_path, 1.0)
    depth = depth_of(known()[1], 1.0)
    depth[:, :16] = np.nan
    depth[:, 16:32] = 0
    write_npy(tmp_path / "fake/000001.npy", depth)
    result = run(FolderSource(tmp_path)).first
    scores = result.rows[1].scores
    assert scores["density"] == 0.5
    assert scores["valid_pixels"] == HEIGHT * WIDTH / 2
    assert scores["mae_mm"] == pytest.approx(0, abs=1e-3)
    assert scores["completeness_mm"] > 1  # of the surface, holes do cost
    assert result.pixels_left_out == {"not predicted": HEIGHT * WIDTH // 2}


@pytest.mark.parametrize(
    ("kind", "scale", "says"),
    [
        ("metres", 1.0, "kind=metres: choose depth_mm, disparity_px, inverse_depth"),
        ("depth_mm", 0.0, "scale=0"),
        ("depth_mm", float("inf"), "scale=inf"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, kind: str, scale: float, says: str) -> None:
    write_all(tmp_path)
    with pytest.raises(ConfigError, match=says):
        FolderSource(tmp_path, kind, scale)


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder"):
        FolderSource(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no prediction there"):
        FolderSource(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("0.npz", b"PK broken"), ("0.npy", b"broken"), ("0.png", b""), ("0.pfm", b"Pf\n3")],
)
def test_an_unreadable_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name.replace("0", "000000")).write_bytes(content)
    with pytest.raises(DataError, match=name.replace("0", "000000")):
        run(FolderSource(tmp_path))


def test_millimetres_need_a_calibration(tmp_path: Path) -> None:
    frame = known()[0]
    frame["rig"] = StereoRig.uncalibrated(WIDTH, HEIGHT)
    write_npy(tmp_path / "000000.npy", depth_of(frame))
    with pytest.raises(DataError, match=r"fake/000000 has no calibration.*baseline_mm"):
        evaluate(FolderSource(tmp_path), Frames(frame), [PLAIN])
    in_pixels = evaluate(FolderSource(tmp_path, "disparity_px"), Frames(frame), [PLAIN])
    assert set(in_pixels.first.metrics) == {"ssim", "psnr"}


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".png", ".tiff"])
def test_eight_bits_are_refused_in_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    """300 mm had wrapped to 44 in an .npz, and was scored."""
    wrapped = np.full((HEIGHT, WIDTH), 300).astype(np.uint8)
    path = tmp_path / f"fake/000000{suffix}"
    if suffix in (".png", ".tiff"):
        path.parent.mkdir()
        cv2.imwrite(str(path), wrapped)
    else:
        save(path, wrapped)
    with pytest.raises(DataError, match=rf"000000{suffix}: 8-bit depth ends at 255 mm"):
        evaluate(FolderSource(tmp_path), Frames(known()[0]), [PLAIN])


@pytest.mark.parametrize("empty", [0.0, -5.0], ids=["zero", "negative"])
def test_a_map_without_a_number_above_0_is_no_prediction(tmp_path: Path, empty: float) -> None:
    write_all(tmp_path)
    write_npy(tmp_path / "fake/000001.npy", np.full((HEIGHT, WIDTH), empty))
    with pytest.raises(DataError, match=r"000001\.npy: not one number above 0.*missing=skip"):
        run(FolderSource(tmp_path))
    result = run(FolderSource(tmp_path), skip=True).first
    assert result.frames_left_out == {"no prediction": 1}
    assert result.metrics["abs_rel"] == pytest.approx(0.1, abs=1e-6)


def test_predicted_where_nothing_is_known_is_left_out_and_said(tmp_path: Path) -> None:
    frame = known()[0]
    frame["depth_mm"][..., WIDTH // 2 :] = 0
    depth = np.full((HEIGHT, WIDTH), 50.0)
    depth[:, : WIDTH // 2] = np.nan
    write_npy(tmp_path / "fake/000000.npy", depth)
    with pytest.raises(DataError, match="1: nothing predicted where the true depth is known"):
        evaluate(FolderSource(tmp_path), Frames(frame), [PLAIN])


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        (np.array([[50.0, -1.0]]), {"negative"}),
        (np.array([[50, 40000]]).astype(np.uint16).astype(np.int16), {"negative"}),
        (np.array([[50.0, 1e6]]).astype(np.float16), {"float16"}),
        (np.array([[50, 65535]], np.uint16), {"saturated"}),
        (np.array([[50.0, 1e9]]), set()),  # told where the rig is known
        (np.array([[50.0, 50.0]]), {"constant"}),
        (np.array([[50.0, np.nan]]), set()),
        (np.array([[50.0, 60.0]]), set()),
        (np.array([[50, 60]], np.int32), set()),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_odd_about_numbers(numbers: np.ndarray, says: set[str]) -> None:
    assert set(odd(numbers)) == says


@pytest.mark.parametrize("kind", ["depth_mm", "inverse_depth"])
def test_what_is_too_far_for_any_parallax_is_a_hole_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    write_all(tmp_path, 1.0)
    for frame in known():
        depth = depth_of(frame, 1.0)
        depth[:8] = 1e9
        values = depth if kind == "depth_mm" else 1 / depth
        write_npy(tmp_path / f"{frame['key']}.npy", values)
    result = run(FolderSource(tmp_path, kind)).first
    assert result.metrics["mae_mm"] == pytest.approx(0, abs=1e-3)
    assert result.metrics["density"] == 0.75
    assert "000000.npy: 25% of its numbers are too far" in caplog.text
    with pytest.raises(DataError, match="every number is too far to be a depth"):
        run(FolderSource(tmp_path, kind, 1e9 if kind == "depth_mm" else 1e-9))


def test_an_odd_file_is_told_once_with_its_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_all(tmp_path)
    for index in (1, 2):
        depth = depth_of(known()[index])
        depth[0] = -1
        write_npy(tmp_path / f"fake/{index:06d}.npy", depth)
    run(FolderSource(tmp_path))
    assert caplog.text.count("numbers are negative") == 1
    assert "000001.npy: 3% of its numbers are negative" in caplog.text


@pytest.mark.parametrize(
    ("factor", "scale"), [(1e-3, "1000"), (1e3, "0.001"), (0.1, "10"), (256, "0.00390625")]
)
def test_another_unit_is_told_with_the_scale_that_mends_it(
    tmp_path: Path, factor: float, scale: str
) -> None:
    results = run(FolderSource(write_all(tmp_path, 1.1 * factor)), PLAIN, ALIGNED).results
    assert f"scale={scale} would make it" in unit_doubt(results, 1.0, inverse=False)
    assert unit_doubt(results[1:], 1.0, inverse=False) == ""  # an alignment does not mind
    right = run(FolderSource(tmp_path, "depth_mm", 1 / factor)).results
    assert unit_doubt(right, 1 / factor, inverse=False) == ""


def test_the_unit_of_an_inverse_depth_goes_the_other_way(tmp_path: Path) -> None:
    for frame in known():
        write_npy(tmp_path / f"{frame['key']}.npy", 256 / depth_of(frame, 1.0))
    results = run(FolderSource(tmp_path, "inverse_depth")).results
    assert "scale=0.00390625 would make it" in unit_doubt(results, 1.0, inverse=True)


def test_millimetres_said_to_be_disparity_are_refused(tmp_path: Path) -> None:
    for frame in known():
        write_npy(tmp_path / f"{frame['key']}.npy", depth_of(frame, 2.0))
    with pytest.raises(DataError, match=r"000000\.npy: the median disparity_px is .* is 64 wide"):
        run(FolderSource(tmp_path, "disparity_px"))


def test_two_units_in_one_set_are_told(tmp_path: Path) -> None:
    write_all(tmp_path)
    write_npy(tmp_path / "fake/000002.npy", depth_of(known()[2], 1e-3))
    (told,) = doubts(run(FolderSource(tmp_path)).results)
    assert "1 of 3 frames have another scale than the rest, fake/000002 by a factor of" in told
    assert doubts(run(FolderSource(write_all(tmp_path))).results) == []


def test_predictions_that_no_frame_asks_for(tmp_path: Path) -> None:
    write_all(tmp_path)
    write_npy(tmp_path / "fake/000099.npy", depth_of(known()[0]))
    folder = FolderSource(tmp_path)
    run(folder)
    assert folder.unused == ["fake/000099"]


def test_the_pictures_that_predict_leaves_are_no_predictions(tmp_path: Path) -> None:
    write_all(tmp_path)
    for name in ("contact_sheet.png", "fake/000001.png"):
        (tmp_path / name).write_bytes(b"a picture")
    assert FolderSource(tmp_path).unused.count("contact_sheet") == 1
    (tmp_path / "predictions.json").write_text("{}")
    folder = FolderSource(tmp_path)
    run(folder)
    assert folder.unused == []


def test_a_single_array_of_any_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "000000.npz", anything=depth_of(known()[0])[None])
    folder = FolderSource(tmp_path)
    evaluation = evaluate(folder, Frames(known()[0]), [PLAIN])
    assert evaluation.first.metrics["abs_rel"] == pytest.approx(0.1, abs=1e-6)
    np.savez(tmp_path / "000000.npz", anything=torch.zeros(2, 3, 4).numpy())
    with pytest.raises(DataError, match=r"000000.npz: shape \(2, 3, 4\)"):
        evaluate(FolderSource(tmp_path), Frames(known()[0]), [PLAIN])


def test_negative_disparities_count_where_infinity_lies_below_them(tmp_path: Path) -> None:
    """As on raw SCARED, whose principal points are 91 px apart."""
    rig = StereoRig.of(60.0, 60.0, 31.5, 15.5, 49.5, 5.0)  # infinity at -18 px
    frames = [sample(plane(30, 0.2), seed, rig=rig) for seed in range(2)]  # about -8 px
    for frame in frames:
        disparity = 300 / depth_of(frame, 1.0) - 18
        assert disparity.max() < 0
        disparity[:4] = 0  # not predicted
        write_npy(tmp_path / f"{frame['key']}.npy", disparity.astype(np.float32))
    folder = FolderSource(tmp_path, "disparity_px")
    metrics = evaluate(folder, Frames(*frames), [PLAIN]).first.metrics
    assert metrics["mae_mm"] < 1e-3
    assert metrics["density"] == pytest.approx(1 - 4 / HEIGHT, abs=0.01)


def test_a_stack_of_maps_in_one_file_says_what_is_read(tmp_path: Path):
    np.savez(tmp_path / "theirs.npz", depth=np.ones((3, 4, 5)))
    with pytest.raises(DataError, match=r"a file; depth is read from a folder .*depth\[i\]"):
        FolderSource(tmp_path / "theirs.npz")
