import pytest
from pair_fakes import Numbered

from m3depth.data.skipping import SkipUnreadable
from m3depth.errors import DataError


def test_readable_frames_pass_unchanged():
    pairs = SkipUnreadable(Numbered(3))
    assert len(pairs) == 3
    assert [pairs[i]["key"] for i in range(3)] == ["pair/0", "pair/1", "pair/2"]
    assert [pairs[i]["skipped"] for i in range(3)] == ["", "", ""]


def test_the_next_readable_frame_stands_in_and_every_gap_is_on_record():
    pairs = SkipUnreadable(Numbered(5, broken=frozenset({1, 2})))
    sample = pairs[1]
    assert sample["key"] == "pair/3"
    assert sample["skipped"].splitlines() == ["left/1.png: truncated", "left/2.png: truncated"]
    assert pairs[2]["skipped"].splitlines() == ["left/2.png: truncated"]


def test_after_the_last_frame_comes_the_first():
    sample = SkipUnreadable(Numbered(3, broken=frozenset({2})))[2]
    assert (sample["key"], sample["skipped"]) == ("pair/0", "left/2.png: truncated")


def test_if_nothing_can_be_read_that_is_an_error():
    pairs = SkipUnreadable(Numbered(3, broken=frozenset(range(3))))
    with pytest.raises(DataError, match=r"not one of 3 frames can be read; the first: left/1\.png"):
        pairs[1]


def test_other_errors_are_not_swallowed():
    class Faulty(Numbered):
        def __getitem__(self, index: int):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        SkipUnreadable(Faulty(2))[0]
