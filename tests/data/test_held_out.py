"""Which pairs of a folder are kept from training."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from omegaconf import OmegaConf
from torch.utils.data import ConcatDataset, Subset

from m3depth.cli.hold_out import describe_hold_out, settle_hold_out
from m3depth.data.held_out import held_out, video_of
from m3depth.data.own_size import at_own_size, frames_of, marks
from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import ConfigError, DataError

CONF = Path(__file__).resolve().parents[2] / "conf" / "data" / "folder.yaml"


def pairs(root: Path, *names: str) -> Path:
    picture = np.full((8, 12, 3), 90, np.uint8)
    for view in ("left", "right"):
        (root / view).mkdir(parents=True)
        for name in names:
            cv2.imwrite(str(root / view / f"{name}.png"), picture)
    return root


def numbered(count: int, prefix: str = "") -> list[str]:
    return [f"{prefix}{number:04d}" for number in range(count)]


def split(root: Path, *given: str) -> tuple[list[str], list[str], list[str], str]:
    """Names that are trained on, validated on and tested on, and what is said."""
    more = [OmegaConf.create({"root": str(root)}), OmegaConf.from_dotlist([*given])]
    data = OmegaConf.create({"data": OmegaConf.merge(OmegaConf.load(CONF), *more)}).data
    settle_hold_out(data)
    told = describe_hold_out(data)
    plain = OmegaConf.to_container(data, resolve=True)
    parts = []
    for part in ("train", "val", "test"):
        options = {key: value for key, value in plain[part].items() if key != "_target_"}
        parts.append(FolderPairs(**options).names)
    return parts[0], parts[1], parts[2], told


def test_above_twenty_pairs_a_tenth_is_held_out_at_the_end(tmp_path: Path) -> None:
    names = numbered(30)
    train, val, test, told = split(pairs(tmp_path / "set", *names))
    assert (train, val, test) == (names[:27], names[27:], names[27:])
    assert told.startswith("data.hold_out=0.1: 27 pairs are trained on, 3 held out (the last ones)")


def test_up_to_twenty_all_pairs_are_everything_and_it_is_said(tmp_path: Path) -> None:
    names = numbered(20)
    root = pairs(tmp_path / "set", *names)
    train, val, test, told = split(root)
    assert train == val == test == names
    assert told == (
        "data.hold_out=0: all 20 pairs are trained on, and validation and test use the same ones"
    )
    train, _, test, _ = split(root, "hold_out=0.2")
    assert (train, test) == (names[:16], names[16:])


def test_whole_videos_are_held_out_where_names_tell_them_apart(tmp_path: Path) -> None:
    names = [*numbered(15, "a_"), *numbered(12, "b_"), *numbered(3, "c_")]
    train, _, test, told = split(pairs(tmp_path / "set", *names))
    assert test == numbered(3, "c_")
    assert {video_of(name) for name in train} == {"a", "b"}
    assert "held out (all of c)" in told


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_no_video_is_in_both_whatever_their_lengths(share: float) -> None:
    names = [name for video in "abcd" for name in numbered(10 + ord(video) % 7, f"{video}-")]
    kept = held_out(names, share)
    assert kept
    assert held_out(names, share) == kept
    assert not {video_of(n) for n in kept} & {video_of(n) for n in names if n not in kept}
    assert len(kept) <= len(names) / 2


def test_another_folder_to_test_on_is_used_whole(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(30)]
    root, other = pairs(tmp_path / "set", *names), pairs(tmp_path / "other", *names)
    train, val, test, _ = split(root, f"test.root={other}")
    assert (len(train), len(val), len(test)) == (27, 3, 30)
    train, val, test, told = split(root, f"test.root={other}", f"val.root={other}")
    assert (len(train), len(val), len(test)) == (30, 30, 30)
    assert told == "data.hold_out=0: all 30 pairs are trained on"
    train, _, test, _ = split(root, "train.only=[n1]", "test.only=[n2]")
    assert (train, test) == (["n1"], ["n2"])


def test_what_cannot_be_held_out(tmp_path: Path) -> None:
    root = pairs(tmp_path / "set", "0")
    with pytest.raises(ConfigError, match=r"data.hold_out=0.9: expected a number from 0 to 0.5"):
        split(root, "hold_out=0.9")
    with pytest.raises(DataError, match="a single pair cannot be held out"):
        split(root, "hold_out=0.1")


def test_frames_are_told_apart_by_where_they_lie(tmp_path: Path) -> None:
    one, other = (FolderPairs(pairs(tmp_path / n / "set", *numbered(3)), None) for n in "ab")
    assert len({*marks(one), *marks(other)}) == 6  # though their keys are alike
    assert marks(FolderPairs(tmp_path / "a" / "set", (4, 6))) == marks(at_own_size(one))
    joined = ConcatDataset([one, other])
    assert frames_of(joined) == frames_of(one) + frames_of(other)
    assert frames_of(Subset(joined, [4])) == frames_of(other)[1:2]
    assert at_own_size(Subset(joined, [4]))[0]["left"].shape[-2:] == (8, 12)
