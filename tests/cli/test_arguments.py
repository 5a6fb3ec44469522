"""What was typed: flags anywhere, and paths of any name."""

import pytest
from command_line import m3depth
from hydra.core.override_parser.overrides_parser import OverridesParser

from m3depth.cli.arguments import readable, take_apart
from m3depth.errors import ConfigError

NAMES = [
    *("case=3", "médecin", "a (b)", "O'Neil", "Patient 1 (left)", "2024", "1e3", "true", "[x]"),
    *("a,b", 'say "hi"', "{a}", "#1; 100 % !", "日本", "a:b", "it's \\'", "frames/*[0-9] (1).png"),
]


def read(setting: str) -> object:
    return OverridesParser.create().parse_overrides([setting])[0].value()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["input", "data.root", "+data.test.rig", "output", "truth"])
def test_a_path_is_what_was_typed(key: str, name: str):
    assert read(readable(f"{key}={name}")) == name


@pytest.mark.parametrize("name", NAMES)
def test_what_is_readable_stays_so(name: str):
    once = readable(f"input={name}")
    assert readable(once) == once


@pytest.mark.parametrize(
    "setting",
    ["seed=3", "data.size=[7,9]", "rig=null", "input='a (b)'", "input=a\\ \\(b\\)", "~logger"],
)
def test_what_hydra_reads_is_left_to_it(setting: str):
    assert readable(setting) == setting


def test_a_word_that_hydra_cannot_read_is_quoted_for_any_key_and_a_list_is_not():
    assert read(readable("name=O'Neil")) == "O'Neil"
    assert readable("data.size=[7,9") == "data.size=[7,9"


def test_truth_of_a_data_set_is_a_switch_and_no_path():
    assert read(readable("data.test.truth=false")) is False


def test_a_home_that_the_shell_has_left(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert read(readable("data.root=~/pairs")) == "/home/me/pairs"


def test_several_paths_are_several_jobs():
    (override,) = OverridesParser.create().parse_overrides([readable("input=a (b),O'Neil", True)])
    assert list(override.sweep_iterator()) != []
    assert [one.text for one in override.sweep_iterator()] == ["a (b)", "O'Neil"]


@pytest.mark.parametrize("line", ["-m a=b seed=1,2 name=x", "a=b -m seed=1,2 name=x"])
def test_flags_stand_anywhere(line: str):
    given = take_apart([*line.split(), "--cfg", "job"])
    assert given.multirun
    assert given.settings == ["a=b", "seed=1,2", "name=x"]
    assert given.flags == ["--cfg", "job"]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("--output=x", "settings are given as output=x"),
        ("--loud", "no such flag"),
        ("video.mp4", "expected a setting, key=value"),
    ],
)
def test_a_word_that_is_nothing(word: str, told: str):
    with pytest.raises(ConfigError, match=told):
        take_apart(["input=x", word])
    assert m3depth("predict", word).status == 2


def test_a_flag_without_its_word():
    with pytest.raises(ConfigError, match="--cfg: expected a word after it"):
        take_apart(["a=b", "--cfg"])
