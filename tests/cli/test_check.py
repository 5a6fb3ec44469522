"""``m3depth check`` as a user runs it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from command_line import m3depth
from pair_files import write_rig

from m3depth.data.synthetic import SyntheticPairs

SIZE = (96, 128)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four calibrated pairs with depth, large enough to be judged."""
    root = tmp_path / "pairs"
    pairs = SyntheticPairs("test", 4, SIZE)
    for side in ("left", "right", "depth"):
        (root / side).mkdir(parents=True)
    for index in range(4):
        for side in ("left", "right"):
            rgb = (pairs[index][side] * 255).round().byte().permute(1, 2, 0).numpy()
            cv2.imwrite(str(root / side / f"{index}.png"), rgb[..., ::-1])
        np.save(root / "depth" / f"{index}.npy", pairs[index]["depth_mm"][0].numpy())
    write_rig(root, {n: float(v) for n, v in pairs[0]["rig"]._asdict().items()}, SIZE)
    return root


def test_a_good_folder_is_fit_to_train_on(folder: Path, tmp_path: Path):
    told = m3depth("check", f"input={folder}", f"output={tmp_path / 'out'}")
    assert told.status == 0, told.out + told.err
    assert "ok: nothing found" in told.out
    said = json.loads((tmp_path / "out/check.json").read_text())
    assert said["errors"] == said["warnings"] == 0
    assert said["frames"]["measured"] == 4
    assert (tmp_path / "out/report.html").is_file()


def test_the_same_folder_as_a_data_set_says_that_its_splits_are_one(folder: Path):
    told = m3depth("check", "data=folder", f"data.root={folder}")
    assert told.status == 0, told.out + told.err
    assert "test_is_training" in told.out


def test_what_train_would_train_and_test_on_is_said(folder: Path):
    told = m3depth("check", f"input={folder}")
    assert (
        "train would use: data.hold_out=0: all 4 pairs are trained on, and validation and test use"
        in told.out
    )
    told = m3depth("check", "data=folder", f"data.root={folder}", "data.hold_out=0.25")
    assert "3 pairs are trained on, 1 held out (the last ones)" in told.out
    assert "test_is_training" not in told.out


@pytest.mark.parametrize("other", ["data=scared", "data.root=elsewhere", "+data.test.only=[a]"])
def test_input_and_another_set_are_not_both_checked(folder: Path, other: str):
    told = m3depth("check", f"input={folder}", other)
    assert told.status == 2
    assert other.lstrip("+") in told.line
    assert "in two calls" in told.line


def test_a_swapped_folder_fails_and_says_why_with_pictures(folder: Path, tmp_path: Path):
    (folder / "left").rename(folder / "other")
    (folder / "right").rename(folder / "left")
    (folder / "other").rename(folder / "right")
    out = tmp_path / "out"
    told = m3depth("check", f"input={folder}", f"output={out}")
    assert told.status == 1
    assert "ERROR    swapped_views" in told.out
    said = json.loads((out / "check.json").read_text())
    finding = next(f for f in said["findings"] if f["code"] == "swapped_views")
    assert finding["severity"] == "error"
    assert len(finding["frames"]) == 4
    assert cv2.imread(str(out / finding["picture"])).shape[1] > 2 * SIZE[1]
    page = (out / "report.html").read_text()
    assert "swapped_views" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_truncated_picture_is_a_finding_and_no_crash(folder: Path):
    whole = (folder / "left/2.png").read_bytes()
    (folder / "left/2.png").write_bytes(whole[: len(whole) // 3])
    told = m3depth("check", f"input={folder}")
    assert told.status == 1
    assert "unreadable_frames" in told.out
    assert "left/2.png" in told.out


def test_8_bit_depth_is_told_by_its_code(folder: Path):
    depth = np.load(folder / "depth/1.npy")
    (folder / "depth/1.npy").unlink()
    cv2.imwrite(str(folder / "depth/1.png"), depth.clip(0, 255).astype(np.uint8))
    told = m3depth("check", f"input={folder}")
    assert told.status == 1
    assert "truth_8bit" in told.out


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "input=DIR"),
        (["input=nowhere"], 1, "nowhere: no such folder"),
        (["data=nothing"], 2, "nothing"),
        (["data=folder", "data.root=nowhere"], 1, "nowhere"),
    ],
)
def test_one_line_for_each_mistake(arguments: list[str], status: int, said: str):
    told = m3depth("check", *arguments)
    assert told.status == status
    assert said in told.line


def test_output_that_cannot_be_written_is_one_line(folder: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    told = m3depth("check", f"input={folder}", f"output={tmp_path / 'file' / 'out'}")
    assert told.status == 1
    assert "out" in told.line


def test_a_swapped_folder_is_not_trained_on(folder: Path, tmp_path: Path):
    (folder / "left").rename(folder / "other")
    (folder / "right").rename(folder / "left")
    (folder / "other").rename(folder / "right")
    tiny = ("network.encoder=test_resnet", "network.widths=[16,16,8,8,8]", "trainer=cpu")
    small = ("data.size=[96,128]", "data.batch_size=2", "data.workers=0", "debug=two_steps")
    run = ("train", "data=folder", f"data.root={folder}", *tiny, *small, f"output={tmp_path}/run")
    told = m3depth(*run)
    assert told.status == 1
    assert "swapped_views: " in told.line
    assert "exchange left and right" in told.line
    assert "check=warn trains all the same" in told.line
    assert not (tmp_path / "run" / "checkpoints").exists()
    told = m3depth(*run, "check=warn")
    assert told.status == 0, told.err
    assert "WARNING swapped_views: " in told.err
    assert (tmp_path / "run" / "metrics.json").is_file()
    told = m3depth(*run, "check=maybe")
    assert (told.status, "check=maybe: choose error, warn, off" in told.line) == (2, True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("sample.frames=0", "sample.frames=0: expected a whole number from 1 on"),
        ("sample.seconds=-1", "sample.seconds=-1: expected a number from 0 on"),
        ("checks.scale.warning_px=abc", "checks.scale.warning_px=abc: expected a number from 0 on"),
        ("input=", "input= is empty: name a path (is a variable of it not set?)"),
        ("data.root=", "data.root= is empty"),
    ],
)
def test_limits_and_paths_that_are_none(pairs: Path, wrong: str, said: str):
    told = m3depth("check", f"input={pairs}", wrong)
    assert told.status == 2
    assert said in told.line
