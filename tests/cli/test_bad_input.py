"""A user's mistake is one line that says what, where and how, and never a trace."""

import json
import resource
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from command_line import TINY, Told, m3depth, m3depth_process, m3depth_unchecked, succeed
from pair_files import write_pairs, write_rig

from m3depth.data.synthetic import SyntheticPairs
from m3depth.log import warn_once

FOLDER = (*TINY[:3], "trainer=cpu", "debug=two_steps", "data=folder", "data.size=[32,48]")
FOLDER = (*FOLDER, "data.workers=0", "data.batch_size=2")


@pytest.fixture
def root(pairs: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pairs, tmp_path / "pairs"))


def train(root: Path, *more: str) -> Told:
    return m3depth("train", *FOLDER, f"data.root={root}", f"output={root.parent}/run", *more)


def test_a_sound_folder_trains(root: Path):
    assert train(root).status == 0


def test_no_folder(tmp_path: Path):
    told = train(tmp_path / "nowhere")
    assert told.status == 1
    assert f"{tmp_path}/nowhere: no such folder" in told.line


def test_no_root_given(tmp_path: Path):
    told = m3depth("train", *FOLDER, f"output={tmp_path}/run")
    assert told.status == 2
    assert "data.root" in told.line


def test_a_multirun_on_many_devices(root: Path):
    sweep = ("seed=1", "trainer.devices=2", f"hydra.sweep.dir={root.parent}/sweep")
    told = m3depth("train", "-m", *FOLDER, f"data.root={root}", *sweep)
    assert told.status == 2
    assert "trainer.devices=2 in a multirun: start each job by torchrun" in told.line


def test_left_without_right(root: Path):
    (root / "right/001.png").unlink()
    told = train(root)
    assert told.status == 1
    assert "left without right: 001" in told.line


def test_sizes_that_differ(root: Path):
    for name in ("000", "001", "002"):
        cv2.imwrite(str(root / f"right/{name}.png"), np.zeros((32, 40, 3), np.uint8))
    told = train(root)
    assert told.status == 1
    assert "right/000.png: 40x32, but the left one is 48x32" in told.line


def test_a_calibration_of_another_resolution(root: Path):
    values = yaml.safe_load((root / "rig.yaml").read_text())
    del values["width"], values["height"]
    doubled = {name: value * (1 if name == "baseline_mm" else 2) for name, value in values.items()}
    write_rig(root, doubled, size=(64, 96))  # the same rig as it was: no camera has its centre
    told = train(root)
    assert told.status == 1
    assert "K of the wrong resolution" in told.line


@pytest.mark.parametrize("baseline", [0.0, -5.0, float("nan")])
def test_a_baseline_that_no_rig_has(root: Path, baseline: float):
    values = yaml.safe_load((root / "rig.yaml").read_text()) | {"baseline_mm": baseline}
    del values["width"], values["height"]
    write_rig(root, values)
    told = train(root)
    assert told.status == 1
    assert "rig.yaml: baseline_mm is" in told.line


def test_an_empty_folder(tmp_path: Path):
    for side in ("left", "right"):
        (tmp_path / "pairs" / side).mkdir(parents=True)
    told = train(tmp_path / "pairs")
    assert told.status == 1
    assert "left: empty" in told.line


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_one_unreadable_image_does_not_end_a_run(root: Path, content: bytes):
    (root / "right/001.png").write_bytes(content)
    told = train(root)
    assert told.status == 0, told.err
    assert "WARNING skipped: " in told.err
    assert "right/001.png" in told.err
    assert "1 unreadable frames were skipped" in told.err


def test_one_truncated_image_does_not_end_a_run(root: Path):
    path = root / "left/001.png"
    path.write_bytes(path.read_bytes()[:400])
    told = train(root)
    assert told.status == 0, told.err
    assert "left/001.png" in told.err


def test_uncalibrated_pairs_train_in_disparity_and_say_so_once(tmp_path: Path):
    root = write_pairs(tmp_path / "pairs", depth=False)
    (root / "rig.yaml").unlink()
    warn_once.cache_clear()  # other tests may have had it said
    told = train(root, "trainer.max_epochs=2")
    assert told.status == 0, told.err
    assert told.err.count("the 3D consistency term is off") == 1
    run = tmp_path / "run"
    assert "mae_mm" not in (run / "metrics.json").read_text()
    told = m3depth(
        *("export", f"checkpoint={run}/checkpoints/last.ckpt", "data=folder"),
        *(f"data.root={root}", f"output={tmp_path}/export"),
    )
    assert told.status == 1
    assert "calib" in told.err.splitlines()[-1]


def test_a_prediction_that_is_missing_is_named_and_refused_unless_told(pairs: Path, tmp_path: Path):
    (tmp_path / "theirs").mkdir()
    for name in ("000", "002"):
        shutil.copy(pairs / f"depth/{name}.npy", tmp_path / "theirs")
    arguments = ("evaluate", f"predictions={tmp_path}/theirs", "data=folder", f"data.root={pairs}")
    arguments = (*arguments, f"output={tmp_path}/out")
    told = m3depth(*arguments)
    assert told.status == 1
    assert "1 of 3 test frames have no prediction: no pairs/001 and no 001" in told.line
    told = m3depth(*arguments, "missing=skip")
    assert told.status == 0, told.err
    record = json.loads((tmp_path / "out/metrics.json").read_text())
    assert (record["frames"], record["skip_missing"]) == (2, True)
    assert record["metrics"]["mae_mm"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [("kind=metres",), ("scale=-1",), ("missing=ignore",), ("checkpoint=also.ckpt",)],
)
def test_settings_of_a_rival_that_cannot_be(wrong: tuple[str], pairs: Path, tmp_path: Path):
    told = m3depth(
        *("evaluate", f"predictions={pairs}/depth", "data=folder", f"data.root={pairs}"),
        *(f"output={tmp_path}/out", *wrong),
    )
    assert told.status == 2
    assert wrong[0].split("=")[0] in told.line


def test_a_folder_of_predictions_that_is_not_there(pairs: Path, tmp_path: Path):
    told = m3depth("evaluate", f"predictions={tmp_path}/no", "data=folder", f"data.root={pairs}")
    assert told.status == 1
    assert f"predictions={tmp_path}/no: no such folder" in told.line


def test_predict_needs_its_input(checkpoint: Path, tmp_path: Path):
    told = m3depth("predict", f"checkpoint={checkpoint}", f"input={tmp_path}/no.png", "output=x")
    assert told.status == 1
    assert "no.png: no such image, folder, glob or video" in told.line


def test_predict_with_a_wrong_rig_file(checkpoint: Path, root: Path, tmp_path: Path):
    paths = (f"checkpoint={checkpoint}", f"input={root}/left", f"output={tmp_path}/o")
    told = m3depth("predict", *paths, f"rig={tmp_path}/no.yaml")
    assert told.status == 1
    assert "no.yaml: cannot be read" in told.line
    (root / "rig.yaml").write_text("fx: 40\n")
    told = m3depth("predict", *paths, f"rig={root}/rig.yaml")
    assert told.status == 1
    assert "rig.yaml: missing fy, cx, cy, width, height" in told.line


@pytest.mark.parametrize("shard", ["2/2", "x", "1", "0/0", "-1/2"])
def test_export_with_an_impossible_shard(checkpoint: Path, shard: str):
    told = m3depth("export", f"checkpoint={checkpoint}", f"shard={shard}", "output=x")
    assert told.status == 2
    assert "shard" in told.line


def test_a_device_that_is_not_there(checkpoint: Path, pairs: Path, tmp_path: Path):
    arguments = (f"checkpoint={checkpoint}", f"input={pairs}/left", f"output={tmp_path}/o")
    told = m3depth("predict", *arguments, "device=abacus")
    assert told.status == 2
    assert "device" in told.line


def test_no_room_for_a_checkpoint(trained: tuple[Path, Told], tmp_path: Path):
    """A limit on the size of files stands in for a full disk; the scenes are in the cache."""

    def at_most_100_kb() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    arguments = ("train", *TINY, "debug=two_steps", f"output={tmp_path}/run")
    told = m3depth_process(*arguments, cwd=tmp_path, preexec_fn=at_most_100_kb)
    assert told.status == 1
    assert "Traceback" not in told.err
    assert "free space or set output=" in told.err.strip().splitlines()[-1]


def test_an_output_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    told = m3depth("train", *TINY, "debug=two_steps", f"output={tmp_path}/file/run")
    assert told.status == 1
    assert f"{tmp_path}/file" in told.line


def test_exactly_one_line_in_a_process_of_its_own(tmp_path: Path):
    told = m3depth_process("evaluate", "checkpoint=no.ckpt", cwd=tmp_path)
    assert told.status == 1
    assert told.line == "m3depth evaluate: checkpoint=no.ckpt: no such file"


def cut_video(root: Path) -> Path:
    """Of 12 frames, of which it has some."""
    video = root / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25, (48, 32))
    for number in range(12):
        writer.write(cv2.imread(str(root / f"left/{number % 3:03d}.png")))
    writer.release()
    data = video.read_bytes()
    video.write_bytes(data[: (data.index(b"movi") + len(data)) // 2])
    return video


def test_a_video_that_ends_early_is_no_whole_export_until_it_is_asked_for(
    checkpoint: Path, root: Path, tmp_path: Path
):
    video = cut_video(root)
    arguments = (
        *("export", f"checkpoint={checkpoint}", "data=frames", f"data.root={video}"),
        *("writer=npz", f"output={tmp_path}/out", "batch_size=4"),
    )
    told = m3depth(*arguments)
    assert told.status == 1
    found = len(list((tmp_path / "out/priors").glob("*.npz")))
    assert 0 < found < 12
    assert f"clip.avi: frame {found} of 12 cannot be decoded" in told.line
    assert f"{tmp_path}/out holds the frames before it and is not complete" in told.line
    assert not (tmp_path / "out/depth_meta.json").exists()
    assert m3depth(*arguments, f"data.test.count={found}").status == 0
    meta = json.loads((tmp_path / "out/depth_meta.json").read_text())
    assert (meta["frames"], meta["skipped"]) == (found, {})


@pytest.mark.parametrize("batch_size", [1, 5])
def test_what_a_video_that_ends_early_has_is_predicted_and_the_end_is_told(
    checkpoint: Path, root: Path, tmp_path: Path, batch_size: int
):
    video = cut_video(root)
    files = (f"checkpoint={checkpoint}", f"input={video}", f"output={tmp_path}/out")
    told = m3depth("predict", *files, f"batch_size={batch_size}")
    assert told.status == 1
    found = len(list((tmp_path / "out").glob("*.npz")))
    assert 0 < found < 12
    assert f"clip.avi: frame {found} of 12 cannot be decoded" in told.line
    assert f"{tmp_path}/out holds the {found} frames before it" in told.line


def test_frames_without_a_calibration(checkpoint: Path, root: Path, tmp_path: Path):
    told = m3depth(
        *("export", f"checkpoint={checkpoint}", "data=frames", f"data.root={root}/left"),
        f"output={tmp_path}/out",
    )
    assert told.status == 1
    assert f"{root}/left: no calibration" in told.line
    succeed(
        *("export", f"checkpoint={checkpoint}", "data=frames", f"data.root={root}/left"),
        *(f"data.test.rig={root}/rig.yaml", f"output={tmp_path}/out"),
    )


REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "wrong",
    ["batch_size=2.5", "smoothing.radius=1.5", "flip=no", "writer.min_confidence=high"],
    ids=str,
)
def test_an_export_with_a_setting_of_another_kind(checkpoint: Path, tmp_path: Path, wrong: str):
    files = (f"checkpoint={checkpoint}", f"output={tmp_path}/out", "writer=npz")
    data = ("data=synthetic_clip", "data.size=[32,48]", "data.test.frames=2")
    told = m3depth_unchecked("export", *files, *data, wrong)
    assert told.status == 2
    assert f"m3depth export: {wrong}: expected" in told.line


@pytest.mark.parametrize(
    ("verb", "wrong"),
    [
        ("train", "compile=no"),
        ("train", "flip=no"),  # at once, not when the trained network is scored
        ("train", "seed=-1"),
        ("train", "augmentation.recolour=2"),
        ("train", "augmentation.gamma=[1.2]"),
        ("train", "objective.terms.icp.points.count=0"),
        ("train", "trainer.max_epochs=many"),
        ("train", "trainer.log_every_n_steps=0.5"),
        ("train", "objective.terms.smoothness.weight=-0.1"),
        ("train", "network.initial_disparity=0.4"),
        ("evaluate", "still_camera=no"),
        ("check", "frames=many"),
        ("predict", "near_mm=0"),
        ("predict", "far_mm=0"),
    ],
    ids=str,
)
def test_a_setting_of_another_kind_is_told_of_first(tmp_path: Path, verb: str, wrong: str):
    needed = {
        "train": (*TINY, f"output={tmp_path}/run"),
        "evaluate": ("checkpoint=none.ckpt",),
        "check": ("kind=prior", "target=npz", f"input={tmp_path}"),
        "predict": ("checkpoint=none.ckpt", f"input={tmp_path}"),
    }
    told = m3depth(verb, *needed[verb], wrong)
    assert told.status == 2
    assert "expected" in told.line
    assert wrong.split("=")[1] in told.line
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.parametrize(
    "wrong", ["optimizer.lr=fast", "optimizer.lr=-1", "scheduler.at=late", "optimizer.betas=1"]
)
def test_an_optimizer_that_cannot_be_made_is_told_of_first(tmp_path: Path, wrong: str):
    told = m3depth("train", *TINY, f"output={tmp_path}/run", f"++{wrong}")
    assert told.status == 2
    assert "optimizer or scheduler: " in told.line


def test_a_scale_by_a_word(tmp_path: Path):
    told = m3depth_unchecked("evaluate", f"predictions={tmp_path}", "scale=mm")
    assert told.status == 2
    assert "scale=mm: expected a number" in told.line


def test_points_by_a_word(checkpoint: Path, pairs: Path, tmp_path: Path):
    files = (f"checkpoint={checkpoint}", f"input={pairs}/left", f"output={tmp_path}/out")
    told = m3depth_unchecked("predict", *files, "ply=no")
    assert told.status == 2
    assert "ply=no: expected true or false" in told.line


def test_a_truncated_video_is_told_of_in_one_line_and_not_by_ffmpeg(
    checkpoint: Path, tmp_path: Path
):
    video = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 25, (96, 64))
    for _ in range(9):
        writer.write(np.zeros((64, 96, 3), np.uint8))
    writer.release()
    data = video.read_bytes()
    video.write_bytes(data[: data.index(b"moov")])  # the index is at the end
    files = (f"checkpoint={checkpoint}", f"input={video}", f"output={tmp_path}/out")
    told = m3depth_process("predict", *files, cwd=REPOSITORY)
    assert told.status == 1
    assert told.err.splitlines() == [told.line]
    assert "index at the end, and no frame without it); copy it again" in told.line


def test_a_video_of_both_views_is_refused_before_anything_is_written(
    checkpoint: Path, tmp_path: Path
):
    scenes = SyntheticPairs("test", 3, (256, 320))
    video = tmp_path / "sbs.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 256))
    for number in range(3):
        views = [scenes[number][side].permute(1, 2, 0).numpy() for side in ("left", "right")]
        half = cv2.resize(cv2.hconcat(views), (320, 256), interpolation=cv2.INTER_AREA)
        writer.write((255 * half[..., ::-1]).round().astype(np.uint8))
    writer.release()
    rig = {"fx": 300, "fy": 300, "cx": 159.5, "cy": 127.5, "baseline_mm": 4.5}
    write_rig(tmp_path, rig, size=(256, 320))
    files = (f"checkpoint={checkpoint}", f"output={tmp_path}/out")
    for verb in (
        ("predict", f"input={video}"),
        ("export", "data=frames", f"data.root={video}", "writer=npz", "data.size=null"),
    ):
        told = m3depth(*verb, *files)
        assert told.status == 1
        assert "the pictures hold two views, side by side" in told.line
        assert "-vf crop=iw/2:ih:0:0" in told.line
        assert not list(tmp_path.glob("out/**/*.np*"))
