"""Folders that no run may write to."""

from pathlib import Path

import pytest

from m3depth.errors import ConfigError
from m3depth.outputs.places import require_apart, require_place


@pytest.mark.parametrize("output", [None, "", " ", "/", "//", "/.", "/tmp/.."])
def test_no_folder_at_all(output: object):
    with pytest.raises(ConfigError, match="is a variable of it not set"):
        require_place(output)


@pytest.mark.parametrize("output", ["/no_such_folder_here", "/no_such_folder_here/run", "/tmp"])
def test_what_an_unset_variable_makes_of_a_path(output: str):
    with pytest.raises(ConfigError, match="is a variable of it not set"):
        require_place(output)
    assert not Path("/no_such_folder_here").exists()


def test_a_place_may_be_new(tmp_path: Path):
    assert require_place(str(tmp_path / "a/b")) == tmp_path / "a/b"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / "clip"
    folder.mkdir()
    (folder / "000.png").touch()
    return folder


@pytest.mark.parametrize(
    ("output", "value", "how"),
    [
        pytest.param("clip", "clip", "is the input", id="the same"),
        pytest.param("clip", "./clip/", "is the input", id="written otherwise"),
        pytest.param("", "clip", "holds the input", id="above"),
        pytest.param("clip", "clip/000.png", "holds the input", id="a file in it"),
        pytest.param("clip", "clip/*.png", "holds the input", id="a glob"),
        pytest.param("", "**/*.png", "holds the input", id="a deep glob"),
        pytest.param("link", "clip", "is the input", id="a link to it"),
        pytest.param("clip", "link", "is the input", id="it is linked"),
        pytest.param("clip", "far/000.png", "holds the input", id="a link to a file in it"),
    ],
)
def test_an_output_is_apart_from_the_inputs(
    clip: Path, monkeypatch: pytest.MonkeyPatch, output: str, value: str, how: str
):
    monkeypatch.chdir(clip.parent)
    Path("link").symlink_to(clip)
    Path("far").mkdir()
    Path("far/000.png").symlink_to(clip / "000.png")
    with pytest.raises(ConfigError, match=f"{how} input="):
        require_apart(Path(output), {"truth": None, "input": value})


@pytest.mark.parametrize("output", ["clip/sub", "other", "far"])
def test_an_output_may_be_in_an_input_or_beside_it(
    clip: Path, monkeypatch: pytest.MonkeyPatch, output: str
):
    monkeypatch.chdir(clip.parent)
    Path(output).mkdir()
    require_apart(Path(output), {"input": "clip", "rig": "no.yaml"})
