"""A folder for one run: what it may write, replace and remove."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from m3depth.errors import ConfigError, UserError
from m3depth.io.files import write_text
from m3depth.outputs.claim import require_no_others
from m3depth.outputs.output import Output
from m3depth.outputs.record import Record
from m3depth.priors.layouts.writer import NUMBERED
from m3depth.stopping import Stopped


def run(output: Path, *names: str, verb: str = "evaluate", **options: object) -> None:
    with Output(output, verb, **options).claimed():
        for name in names:
            write_text(output / name, verb)


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def shown(folder: Path) -> set[str]:
    return {name for name in files(folder) if not name.startswith(".m3depth/")}


def test_a_run_leaves_its_files_and_their_record(tmp_path: Path):
    run(tmp_path / "out", "a.txt", "below/b.txt")
    record = Record(tmp_path / "out")
    assert (record.verb, record.present()) == ("evaluate", ["a.txt", "below/b.txt"])
    assert files(tmp_path / "out") == {"a.txt", "below/b.txt", ".m3depth/written.jsonl"}


def test_a_run_that_writes_nothing_leaves_nothing(tmp_path: Path):
    run(tmp_path / "new/out")
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_is_refused_with_the_ways_on(tmp_path: Path):
    run(tmp_path, "a.txt")
    with pytest.raises(ConfigError, match="holds a run of m3depth evaluate; go on, overwrite=true"):
        run(tmp_path, "b.txt", ways_on="go on, ")
    assert shown(tmp_path) == {"a.txt"}


def test_a_run_of_another_verb_is_refused_whatever_is_asked(tmp_path: Path):
    run(tmp_path, "a.txt", verb="train")
    with pytest.raises(ConfigError, match="holds a run of m3depth train, which m3depth evaluate"):
        run(tmp_path, "a.txt", overwrite=True)
    assert (tmp_path / "a.txt").read_text() == "train"


def test_overwriting_removes_what_the_record_names_and_nothing_else(tmp_path: Path):
    run(tmp_path, "a.txt", "below/b.txt", "with_notes/c.txt")
    (tmp_path / "with_notes/notes.txt").write_text("mine")
    run(tmp_path, "d.txt", overwrite=True)
    assert shown(tmp_path) == {"d.txt", "with_notes/notes.txt"}
    assert not (tmp_path / "below").exists()


def test_overwriting_waits_for_the_first_file(tmp_path: Path):
    run(tmp_path, "a.txt")
    with pytest.raises(ZeroDivisionError), Output(tmp_path, "evaluate", overwrite=True).claimed():
        raise ZeroDivisionError
    assert (tmp_path / "a.txt").read_text() == "evaluate"


def test_a_file_that_the_run_needs_is_not_removed(tmp_path: Path):
    run(tmp_path, "best.ckpt")
    needs = {"checkpoint": tmp_path / "best.ckpt"}
    with pytest.raises(ConfigError, match="overwrite=true would remove checkpoint="):
        run(tmp_path, "a.txt", overwrite=True, needs=needs)
    assert (tmp_path / "best.ckpt").is_file()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("known", [True, False], ids=["before", "when it is written"])
def test_a_foreign_file_in_the_way_is_named(tmp_path: Path, overwrite: bool, known: bool):
    (tmp_path / "a.txt").write_text("mine")
    names = ("a.txt",) if known else ()
    with pytest.raises(UserError, match=r"a\.txt: is there, and no record says"):
        run(tmp_path, "a.txt", overwrite=overwrite, names=names)
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_a_file_where_a_folder_is_due_is_named(tmp_path: Path):
    (tmp_path / "below").write_text("mine")
    with pytest.raises(UserError, match="below: is there"):
        run(tmp_path, "below/a.txt")


def test_files_that_readers_would_take_for_frames_are_named(tmp_path: Path):
    foreign = tmp_path / "images/000007.png"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    (tmp_path / "images/cover.png").write_text("no frame")
    with Output(tmp_path, "export").claimed(), pytest.raises(UserError, match=r"000007\.png: is"):
        require_no_others([tmp_path / "images/000000.png"], NUMBERED)


def test_a_killed_run_s_files_are_known(tmp_path: Path):
    code = (
        "import os, sys; from pathlib import Path; from m3depth.io.files import write_text\n"
        "from m3depth.outputs.output import Output\n"
        "out = Path(sys.argv[1])\n"
        "with Output(out, 'evaluate').claimed():\n"
        "    write_text(out / 'a.txt', 'x'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert Record(tmp_path).present() == ["a.txt"]
    with pytest.raises(ConfigError, match="holds a run"):
        run(tmp_path, "b.txt")
    run(tmp_path, "b.txt", overwrite=True)  # its lock went with it
    assert shown(tmp_path) == {"b.txt"}


def test_two_at_once_are_one_too_many(tmp_path: Path):
    with (
        Output(tmp_path, "predict").claimed(),
        pytest.raises(UserError, match="another m3depth writes there now"),
        Output(tmp_path, "predict").claimed(),
    ):
        pytest.fail("both write")
    run(tmp_path, "a.txt")


def test_a_process_that_is_forked_does_not_hold_the_folder(tmp_path: Path):
    """A data loader's worker may outlive a run that was killed."""
    started, end = os.pipe(), os.pipe()
    with Output(tmp_path, "train").claimed():
        child = os.fork()
        if child == 0:  # pragma: no cover
            os.write(started[1], b"x")
            os.read(end[0], 1)
            os._exit(0)
        os.read(started[0], 1)
    try:
        run(tmp_path, "a.txt")
    finally:
        os.write(end[1], b"x")
        os.waitpid(child, 0)


def test_shares_of_one_work_are_written_together(tmp_path: Path):
    with Output(tmp_path, "export", goes_on=True, share="0/2").claimed():
        write_text(tmp_path / "0.txt", "x")
        with Output(tmp_path, "export", goes_on=True, share="1/2").claimed():
            write_text(tmp_path / "1.txt", "x")
        for share in ("0/2", ""):
            one = Output(tmp_path, "export", goes_on=True, share=share)
            with pytest.raises(UserError, match="writes there now"), one.claimed():
                pytest.fail("the same share, or all of it")
    assert files(tmp_path) == {"0.txt", "1.txt", ".m3depth/written.jsonl"}


def test_a_file_that_the_other_share_has_just_written_is_of_the_work(tmp_path: Path):
    with (
        Output(tmp_path, "export", goes_on=True, share="0/2").claimed() as first,
        Output(tmp_path, "export", goes_on=True, share="1/2").claimed() as second,
    ):
        first.writing(tmp_path / "scene.npy")
        (tmp_path / "scene.npy").touch()
        second.writing(tmp_path / "scene.npy")  # both found that no frame was missing


def test_a_run_that_is_asked_to_stop_says_how_to_go_on(tmp_path: Path):
    output = Output(tmp_path, "export", when_stopped="; the same command goes on")
    with pytest.raises(Stopped, match="stopped; the same command goes on"), output.claimed():
        raise KeyboardInterrupt
