"""The command itself: verbs, help, and faults of ours that keep their trace."""

import tomllib
from pathlib import Path

import pytest
from command_line import m3depth, m3depth_process

from m3depth.cli import app
from m3depth.version import __version__

KEYS = {
    "train": ("experiment", "checkpoint", "output", "network", "objective"),
    "evaluate": ("checkpoint", "data", "protocol", "output"),
    "predict": ("checkpoint", "input", "output", "rig", "ply"),
    "export": ("checkpoint", "data", "writer", "output", "shard"),
    "bench": ("output",),
    "check": ("input:", "output:", "sample:", "checks:"),
    "adapt": ("checkpoint:", "input:", "part:", "levels:"),
    "compare": ("inputs:", "output:"),
    "reconstruct": ("input:", "poses:", "motion:", "anchor:", "lamp:", "output:", "voxel:"),
    "splat": ("scene", "truth", "objective=NAME", "checkpoint", "mesh"),
}


def test_without_a_verb_the_usage_goes_to_stderr(tmp_path: Path):
    told = m3depth_process(cwd=tmp_path)
    assert told.status == 2
    assert told.out == ""
    assert told.err.startswith("usage: m3depth VERB")


def test_help_lists_every_verb():
    told = m3depth("--help")
    assert told.status == 0
    for verb in app.VERBS:
        assert f"  {verb} " in told.out


def test_an_unknown_verb_is_named():
    told = m3depth("trane", "experiment=m3depth")
    assert told.status == 2
    assert told.err.splitlines()[0] == "m3depth: no verb 'trane'; did you mean train?"


def test_the_version():
    assert m3depth("--version").out == f"m3depth {__version__}\n"


def test_a_log_has_every_line_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with (tmp_path / "log").open("w", buffering=4096) as log:
        monkeypatch.setattr("sys.stdout", log)
        app.main(["--version"])
        assert (tmp_path / "log").read_text().startswith("m3depth ")
        monkeypatch.undo()


def test_help_of_what_has_no_default_names_the_choices():
    told = m3depth("check", "kind=prior", "--help")
    assert told.status == 0
    assert "target" in told.out
    assert "endo4dgs" in told.out


@pytest.mark.parametrize("verb", KEYS)
def test_help_of_a_verb_says_what_it_takes(verb: str):
    told = m3depth(verb, "--help")
    assert told.status == 0, told.err
    for key in KEYS[verb]:
        assert key in told.out
    assert "Traceback" not in told.err


@pytest.mark.parametrize("verb", ["evaluate", "predict", "export", "check"])
def test_help_has_the_options_of_a_source_with_their_comments(verb: str):
    told = m3depth(verb, "--help")
    assert "predictions: null # for source=folder: depth maps" in told.out
    assert "tiles: 1 # parts of large frames" in told.out


def test_every_verb_has_its_help_tested():
    assert set(KEYS) | {"doctor"} == set(app.VERBS)


def test_the_doctor_is_content_here():
    told = m3depth("doctor")
    assert told.status == 0, told.out
    assert "MISSING" not in told.out
    for word in ("torch", "pytorch-lightning", "open3d", "configuration", "CPU"):
        assert word in told.out


def test_the_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("m3depth.cli.doctor.PACKAGES", ("torch", "no-such-package"))
    monkeypatch.setattr("m3depth.cli.doctor.LIBRARIES", {"libnothing.so.9": "libnothing9"})
    told = m3depth("doctor")
    assert told.status == 1
    assert "pip install no-such-package" in told.out
    assert "apt install libnothing9" in told.out


@pytest.mark.parametrize("option", ["verbose=true", "--loud"])
def test_the_doctor_takes_no_options(option: str):
    told = m3depth("doctor", option)
    assert told.status == 2
    assert "takes no options" in told.line


def test_the_doctor_has_help():
    assert m3depth("doctor", "--help").status == 0


def test_a_fault_of_ours_keeps_its_trace(monkeypatch: pytest.MonkeyPatch):
    def faulty(_: list[str]) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("m3depth.cli.doctor.main", faulty)
    with pytest.raises(ZeroDivisionError):
        app.main(["doctor"])


def test_the_console_command_is_this_one():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["m3depth"] == "m3depth.cli.app:main"


def test_a_benchmark_that_is_misspelt_and_a_word_for_a_switch(tmp_path: Path):
    told = m3depth("bench", "train_stp")
    assert told.status == 2
    assert "did you mean train_step?" in told.line
    mine = tmp_path / "mine.json"
    mine.write_text("{}")
    told = m3depth("bench", "rasteriser", f"output={mine}", "overwrite=no")
    assert told.status == 2
    assert "overwrite=no: expected true or false" in told.line
    assert mine.read_text() == "{}"
