"""No verb replaces what is not its own: an input, another run, a file of the user's."""

import hashlib
import os
import shutil
import signal
from pathlib import Path

import pytest
from command_line import NETWORK, SCENES, TINY, m3depth, succeed

from m3depth.priors.layouts.frame import SceneFrame
from m3depth.priors.layouts.npz.layout import NpzLayout

EXPORT = ("export", "source=exact", "writer=npz")


def state(folder: Path) -> dict[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(p.relative_to(folder)): hashlib.md5(p.read_bytes()).hexdigest() for p in found}


@pytest.fixture
def own_pairs(pairs: Path, tmp_path: Path) -> Path:
    """A set that a mistake may spoil."""
    return Path(shutil.copytree(pairs, tmp_path / "pairs"))


COMMANDS = {
    "train": ("train", *NETWORK, "data=folder", "data.root={0}", "trainer=cpu"),
    "evaluate": ("evaluate", "checkpoint={1}", "data=folder", "data.root={0}"),
    "predictions": ("evaluate", "predictions={0}", "data=folder", "data.root={0}"),
    "predict": ("predict", "checkpoint={1}", "input={0}/left"),
    "a glob": ("predict", "checkpoint={1}", "input={0}/left/*.png"),
    "a rig": ("predict", "checkpoint={1}", "input={2}", "rig={0}/rig.yaml"),
    "export": (*EXPORT, "data=folder", "data.root={0}"),
    "splat": ("splat", "scene={0}"),
    "truth": ("splat", "scene={2}", "truth={0}"),
    "check": ("check", "input={0}"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("overwrite", ["false", "true"])
def test_an_output_that_holds_an_input_is_refused(
    checkpoint: Path, own_pairs: Path, pairs: Path, command: str, overwrite: str
):
    before = state(own_pairs)
    given = [one.format(own_pairs, checkpoint, pairs / "left") for one in COMMANDS[command]]
    told = m3depth(*given, f"output={own_pairs}", f"overwrite={overwrite}")
    assert told.status == 2, told.err
    assert f"output={own_pairs}: " in told.err.splitlines()[-1]
    assert "the input " in told.err.splitlines()[-1]
    assert state(own_pairs) == before


def test_predictions_may_go_below_their_input(checkpoint: Path, own_pairs: Path):
    left = own_pairs / "left"
    succeed("predict", f"checkpoint={checkpoint}", f"input={left}", f"output={left}/depth")
    assert (left / "depth/000.npz").is_file()


def test_an_export_removes_only_what_it_wrote(own_pairs: Path, tmp_path: Path):
    """Of a frame that cannot be read, in a folder with files of the user's of the same names."""
    scene = tmp_path / "scene"
    for folder in ("left", "depth", "images"):
        shutil.copytree(own_pairs / "left", scene / folder)
    (scene / "left/000.png").rename(scene / "left/000001.png")
    before = state(scene)
    (own_pairs / "right/001.png").write_bytes(b"no picture")
    told = m3depth(*EXPORT, "data=folder", f"data.root={own_pairs}", f"output={scene}")
    assert told.status == 0, told.err
    assert "1 skipped" in told.err
    assert before.items() <= state(scene).items()


def test_an_export_over_another_clip_is_refused_by_the_file(own_pairs: Path, tmp_path: Path):
    """EndoNeRF's clips have the names that our writer gives its files."""
    clip = tmp_path / "clip"
    shutil.copytree(own_pairs / "left", clip / "images")
    (clip / "images/000.png").rename(clip / "images/000041.png")
    before = state(clip)
    given = ("export", "source=exact", "writer=endonerf", "data=folder", f"data.root={own_pairs}")
    told = m3depth(*given, f"output={clip}", "overwrite=true")
    assert told.status == 1
    assert "images/000041.png: is there, and no record says that m3depth export" in told.line
    assert state(clip) == before


def test_a_finished_run_is_replaced_when_that_is_asked_for(own_pairs: Path, tmp_path: Path):
    given = ("check", f"input={own_pairs}", f"output={tmp_path}/out")
    succeed(*given)
    (tmp_path / "out/notes.txt").write_text("mine")
    before = state(tmp_path / "out")
    told = m3depth(*given)
    assert told.status == 2
    assert "holds a run of m3depth check; overwrite=true replaces it" in told.line
    assert state(tmp_path / "out") == before
    succeed(*given, "overwrite=true")
    assert (tmp_path / "out/notes.txt").read_text() == "mine"


@pytest.mark.parametrize("verb", ["evaluate", "predict"])
def test_a_training_is_no_other_verb_s_to_replace(
    checkpoint: Path, pairs: Path, tmp_path: Path, verb: str
):
    run = Path(shutil.copytree(checkpoint.parents[1], tmp_path / "run"))
    before = state(run)
    given = {"evaluate": SCENES, "predict": (f"input={pairs}/left",)}[verb]
    own = run / "checkpoints/best.ckpt"
    told = m3depth(verb, f"checkpoint={own}", *given, f"output={run}", "overwrite=true")
    assert told.status == 2
    assert "holds a run of m3depth train" in told.err.splitlines()[-1]
    assert state(run) == before


def test_an_export_that_is_asked_to_stop_goes_on_by_the_same_command(
    own_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given = (*EXPORT, "data=folder", f"data.root={own_pairs}")
    succeed(*given, f"output={tmp_path}/whole")
    files = NpzLayout.files

    def and_ask(layout: NpzLayout, frame: SceneFrame) -> object:
        if frame.name == "000001":
            os.kill(os.getpid(), signal.SIGTERM)
        return files(layout, frame)

    monkeypatch.setattr(NpzLayout, "files", and_ask)
    told = m3depth(*given, f"output={tmp_path}/out")
    assert told.status == 1
    assert f"stopped; the same command with output={tmp_path}/out goes on" in told.line
    monkeypatch.setattr(NpzLayout, "files", files)
    assert not (tmp_path / "out/depth_meta.json").exists()
    succeed(*given, f"output={tmp_path}/out")
    assert state(tmp_path / "out") == state(tmp_path / "whole")


def test_shares_are_not_overwritten_one_by_one(tmp_path: Path):
    told = m3depth(*EXPORT, f"output={tmp_path}/out", "shard=0/2", "overwrite=true")
    assert (told.status, "each process would remove" in told.line) == (2, True)


@pytest.mark.parametrize("output", ["", "/", "/no_such_folder_here/run"])
def test_an_unset_variable_is_told(output: str):
    told = m3depth("train", *TINY, f"output={output}")
    assert (told.status, "is a variable of it not set?" in told.line) == (2, True)
    assert not Path("/no_such_folder_here").exists()


def test_a_benchmark_s_file_is_replaced_when_that_is_asked_for(tmp_path: Path):
    file = tmp_path / "notes.json"
    file.write_text("{}")
    told = m3depth("bench", "train_step", f"output={file}")
    assert (told.status, "overwrite=true" in told.line) == (2, True)
    assert file.read_text() == "{}"


@pytest.mark.parametrize("overwrite", ["false", "true"])
@pytest.mark.parametrize(
    ("writer", "name"),
    [
        ("endonerf", "poses_bounds.npy"),
        ("ply", "points3D.ply"),
        ("nerfstudio", "transforms.json"),
        ("colmap", "sparse/0/images.txt"),
        ("graphdeco", "sparse/0/depth_params.json"),
        ("npz", "depth_meta.json"),
    ],
)
def test_a_foreign_file_of_the_scene_is_found_before_the_first_frame(
    pairs: Path, tmp_path: Path, writer: str, name: str, overwrite: str
):
    mine = tmp_path / "scene" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    told = m3depth(
        *("export", "source=exact", f"writer={writer}", "data=folder", f"data.root={pairs}"),
        *(f"output={tmp_path / 'scene'}", f"overwrite={overwrite}"),
    )
    assert told.status == 1
    assert f"{mine}: is there, and no record says that m3depth export wrote it" in told.line
    assert list(state(tmp_path / "scene")) == [name]


def test_predictions_of_an_earlier_run_are_written_anew_and_told(
    checkpoint: Path, own_pairs: Path, tmp_path: Path
):
    given = ("predict", f"checkpoint={checkpoint}", f"output={tmp_path}/out")
    succeed(*given, f"input={own_pairs}/left")
    first, other = tmp_path / "out/000.npz", tmp_path / "out/001.npz"
    before = first.read_bytes(), other.read_bytes()
    told = succeed(*given, f"input={own_pairs}/right/000.png")
    assert "has files of an earlier m3depth predict" in told.err
    assert first.read_bytes() != before[0]
    assert other.read_bytes() == before[1]


def test_but_not_what_no_record_names(checkpoint: Path, own_pairs: Path, tmp_path: Path):
    given = ("predict", f"checkpoint={checkpoint}", f"output={tmp_path}/out")
    succeed(*given, f"input={own_pairs}/left/000.png")
    (tmp_path / "out/001.png").write_bytes(b"mine")
    before = state(tmp_path / "out")
    told = m3depth(*given, f"input={own_pairs}/left")
    assert told.status == 1
    assert "001.png: is there, and no record says" in told.line
    assert state(tmp_path / "out") == before
