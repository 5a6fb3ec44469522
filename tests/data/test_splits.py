"""The presets against what was published of them, and every way in which a list can be wrong."""

import logging
import random
import shutil
from pathlib import Path

import pytest
import yaml

from m3depth.data import splits
from m3depth.data.splits import frames, load_split, split_names
from m3depth.errors import ConfigError, DataError
from m3depth.io.frame_lists import parse_numbers, read_list
from m3depth.log import warn_once

PRESETS = ["afsfm", "challenge", "clean", "keyframes", "m3depth_official", "scared_c"]
OFFICIAL = [f"dataset_{d}/keyframe_{k}" for d in range(1, 8) for k in range(1, 4 if d == 1 else 5)]


def datasets(part: dict) -> set[str]:
    return {video.split("/")[0] for video in part}


def write_official(root: Path, first: int = 0) -> Path:
    """Lists as br0202/M3Depth has them: 22 950 frames of 27 videos dealt out at random."""
    lines = [
        f"/a/Trainwith45/{video} {n + first:06d} l" for video in OFFICIAL[:26] for n in range(850)
    ]
    lines += [f"/a/Trainwith45/{OFFICIAL[26]} {n + first:06d} l" for n in range(850)]
    random.Random(0).shuffle(lines)
    folder = root / "m3depth_official"
    folder.mkdir(parents=True)
    (folder / "train_files.txt").write_text("\n".join(lines[:16000]))
    (folder / "val_files.txt").write_text("\n".join(lines[16000:]))
    return root


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the presets that a test may spoil."""
    folder = tmp_path / "split_files"
    shutil.copytree(splits.FOLDER, folder)
    monkeypatch.setattr(splits, "FOLDER", folder)
    return folder


def test_these_are_the_presets():
    assert split_names() == PRESETS


@pytest.mark.parametrize("name", PRESETS[:4] + PRESETS[5:])
def test_no_video_is_in_two_parts(name: str):
    split = load_split(name)
    seen = [*split.train, *split.val, *split.test]
    stills = [video for video, which in split.test.items() if which == "still"]
    videos = [video for video in seen if video not in stills]
    assert len(videos) == len(set(videos))
    assert split.train
    assert split.val
    assert split.test
    assert split.source


def test_clean_shares_no_dataset_and_has_no_known_bad_one():
    split = load_split("clean")
    train, val, test = (datasets(part) for part in (split.train, split.val, split.test))
    assert len(train) + len(val) + len(test) == len(train | val | test)
    assert not {"dataset_4", "dataset_5"} & (train | val | test)
    assert test == {"dataset_8", "dataset_9"}
    assert split.warning == ""
    assert set(split.train.values()) | set(split.test.values()) == {"all"}


def test_the_challenge_trains_on_19_videos_and_tests_on_8():
    split = load_split("challenge")
    assert datasets(split.train) == {f"dataset_{d}" for d in (1, 2, 3, 6, 7)}
    assert (len(split.train), len(split.test)) == (19, 8)
    assert set(split.val.values()) == {"still"}  # of keyframes that no video starts from
    assert not split.val.keys() & split.train.keys()


def test_afsfm_counts_as_published():
    split = load_split("afsfm")
    assert (len(split.train), len(split.val), len(split.test)) == (22, 6, 7)
    assert sum(map(len, split.val.values())) == 1705
    assert sum(map(len, split.test.values())) == 551
    counts = [len(split.test[video]) for video in sorted(split.test)]
    assert counts == [78, 71, 79, 76, 87, 83, 77]  # datasets 1 to 7


def test_afsfm_s_frames_are_the_published_ones_less_one():
    """Spot checks against lines of the published files, whose numbers start at 1."""
    test = load_split("afsfm").test
    for dataset, keyframe, published in [
        (3, 4, 390),
        (6, 4, 770),
        (1, 3, 242),
        (2, 4, 2111),
        (7, 4, 1446),
        (5, 4, 401),
        (4, 4, 206),
    ]:
        assert published - 1 in test[f"dataset_{dataset}/keyframe_{keyframe}"]
    assert 193 not in test["dataset_1/keyframe_3"]  # 194 is left out where the step would have it
    assert min(min(numbers) for numbers in test.values()) == 1
    assert load_split("afsfm").val["dataset_7/keyframe_3"] == tuple(range(1, 286))


def test_afsfm_warns_of_the_challenge_s_test_sets_and_of_wrong_calibrations():
    split = load_split("afsfm")
    assert {"dataset_8/keyframe_0", "dataset_9/keyframe_3"} <= split.train.keys()
    for word in ("dataset_8", "challenge", "dataset_4", "217 more"):
        assert word in split.warning


def test_the_warning_is_logged_once(caplog: pytest.LogCaptureFixture):
    warn_once.cache_clear()
    with caplog.at_level(logging.WARNING, logger="m3depth"):
        load_split("afsfm")
        load_split("afsfm")
        load_split("clean")
    assert [record.message[:12] for record in caplog.records] == ["split afsfm:"]


def test_keyframes_are_45_stills():
    split = load_split("keyframes")
    assert list(split.test.values()) == ["still"] * 45
    assert "dataset_8/keyframe_0" in split.test
    assert "dataset_1/keyframe_5" in split.test
    assert "only the rows of dataset_8 and dataset_9 are unseen" in split.warning


@pytest.mark.parametrize("first", [0, 1])
def test_the_official_lists_are_read_from_the_user_s_copy(tmp_path: Path, first: int):
    split = load_split("m3depth_official", write_official(tmp_path, first))
    assert split.warning.startswith("LEAKY")
    assert sum(map(len, split.train.values())) == 16000
    assert sum(map(len, split.val.values())) == 6950
    video = "dataset_3/keyframe_2"
    assert sorted({*split.train[video], *split.val[video]}) == list(range(850))
    assert len(split.test) == 45


def test_without_them_one_line_says_which_and_from_where(tmp_path: Path):
    with pytest.raises(DataError, match=r"m3depth_official/train_files\.txt: no such.*br0202"):
        load_split("m3depth_official", tmp_path)


def af_list(root: Path, name: str = "dataset8/keyframe1") -> Path:
    """15351 made-up frames of the 22 videos, in AF-SfMLearner's spelling."""
    videos = [f"dataset{d}/keyframe{k}" for d in range(1, 8) for k in (1, 2)]
    videos += [f"dataset{d}/keyframe{k}" for d in (8, 9) for k in (1, 2, 3, 4)]
    lines = [f"{video}\t{n}\tl" for n in range(2, 800) for video in videos][:15350]
    path = root / "afsfm/train_files.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, f"{name}      1 l"]))
    return path


def test_afsfm_trains_on_the_published_list_where_it_is(tmp_path: Path):
    af_list(tmp_path)
    split = load_split("afsfm", tmp_path)
    assert sum(map(len, split.train.values())) == 15351
    assert split.train["dataset_8/keyframe_0"][:2] == (0, 1)  # called dataset8/keyframe1, from 1
    assert "dataset_8/keyframe_4" not in split.train
    assert "217 more" not in split.warning


def test_a_list_of_another_video_is_refused(tmp_path: Path):
    af_list(tmp_path, "dataset1/keyframe3")
    with pytest.raises(DataError, match=r"afsfm/train_files\.txt: not the published videos"):
        load_split("afsfm", tmp_path)


def test_a_cut_list_is_refused(tmp_path: Path):
    path = af_list(tmp_path)
    path.write_text("\n".join(path.read_text().splitlines()[:-5]))
    with pytest.raises(DataError, match=r"15346 different frames; published are 15351"):
        load_split("afsfm", tmp_path)


def test_a_frame_listed_twice_is_refused(tmp_path: Path):
    path = af_list(tmp_path)
    path.write_text(path.read_text() + "\ndataset8/keyframe1 1 l")
    with pytest.raises(DataError, match="15351 different frames; published"):
        load_split("afsfm", tmp_path)


def test_a_line_of_another_form_is_named(tmp_path: Path):
    path = af_list(tmp_path)
    path.write_text("2011_09_26/drive_0001 5 l\n" + path.read_text())
    with pytest.raises(DataError, match=r"train_files\.txt, line 1: '2011_09_26.*is not"):
        load_split("afsfm", tmp_path)


def test_numbers_below_the_first_are_refused(tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_text("dataset1/keyframe1 0 l\ndataset1/keyframe1 4 l")
    published = {"frames": 2, "videos": ["dataset_1/keyframe_1"]}
    assert read_list(path, published, None) == {"dataset_1/keyframe_1": (0, 4)}
    with pytest.raises(DataError, match="not the published"):
        read_list(path, published, 1)


def test_a_list_that_does_not_tell_its_first_number_is_refused(tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_text("dataset1/keyframe1 5 l")
    with pytest.raises(DataError, match="not the published"):
        read_list(path, {"frames": 1, "videos": ["dataset_1/keyframe_1"]}, None)


@pytest.mark.parametrize("name", PRESETS)
def test_a_changed_frame_or_video_is_noticed(presets: Path, name: str, tmp_path: Path):
    path = presets / f"{name}.yaml"
    content = yaml.safe_load(path.read_text())
    part = content["test"]
    video = next(iter(part))
    said = str(part.pop(video))
    part[video] = said.replace("2", "3", 1) if said[0].isdigit() else "all still".replace(said, "")
    part[video] = part[video].strip()
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(DataError, match=rf"{name}\.yaml: (sha256|test has|frames must)"):
        load_split(name, tmp_path)


def test_a_wrong_count_is_noticed(presets: Path):
    path = presets / "afsfm.yaml"
    path.write_text(path.read_text().replace("numbers: 551", "numbers: 550"))
    with pytest.raises(DataError, match=r"afsfm\.yaml: test has .*551.*550"):
        load_split("afsfm")


def test_an_unknown_preset_or_part_is_named():
    with pytest.raises(ConfigError, match="split=eigen is none of afsfm, challenge, clean"):
        load_split("eigen")
    with pytest.raises(ConfigError, match="part=dev is none of train, val, test"):
        frames("clean", "dev")


def test_a_part_is_what_a_reader_takes():
    assert frames("clean", "val") == load_split("clean").val


@pytest.mark.parametrize(
    ("spelled", "numbers"),
    [("1", (0,)), ("2-10/4 15", (1, 5, 9, 14)), ("1-3", (0, 1, 2)), ("5-5", (4,))],
)
def test_numbers_are_spelled_in_runs(spelled: str, numbers: tuple[int, ...]):
    assert parse_numbers(spelled, 1, "x") == numbers


@pytest.mark.parametrize("spelled", ["0", "3 2", "2 2", "1-4 4", "a", "1,2", "", "-3"])
def test_other_spellings_are_refused(spelled: str):
    with pytest.raises(DataError, match=r"^x: "):
        parse_numbers(spelled, 1, "x")


def test_a_split_cannot_be_changed():
    with pytest.raises(AttributeError):
        load_split("clean").train = {}
    assert load_split("clean").train
