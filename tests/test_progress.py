"""Bars: on stderr, and each for itself."""

import pytest
import rich
from rich.progress import Progress

from m3depth.progress import progress


def test_the_items_are_what_they_were(capsys: pytest.CaptureFixture[str]):
    assert list(progress(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")  # no terminal, no bar


def test_the_bar_is_on_stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert list(progress(range(3), "numbers")) == [0, 1, 2]
    told = capsys.readouterr()
    assert told.out == ""
    assert "numbers" in told.err


def test_a_bar_that_is_left_midway_takes_no_other_down(monkeypatch: pytest.MonkeyPatch):
    """As an export that stops at an error does, with a training after it in the same process."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    left = iter(progress(range(3), "left"))
    next(left)
    rich.reconfigure(stderr=True)  # as Lightning does before its own bar
    other = Progress(console=rich.get_console())
    other.start()
    left.close()  # type: ignore[attr-defined]
    assert other.live.is_started
    other.stop()
