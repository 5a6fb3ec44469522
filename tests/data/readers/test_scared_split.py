"""Presets on a miniature of SCARED: which of its pictures are given out."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from miniatures import configured
from omegaconf import OmegaConf
from scared_files import write_sequence

from m3depth.cli.configuration import configuration
from m3depth.data.readers.scared_split import scared_part
from m3depth.errors import ConfigError, DataError

SMALL = {"size": (64, 80), "truth": False}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every folder that the presets name: videos of four frames, all the same."""
    root = tmp_path_factory.mktemp("scared")
    first = write_sequence(root, "dataset_1/keyframe_1", (64, 80), frames=4)
    for dataset in range(1, 10):
        for place in range(5):
            folder = root / f"dataset_{dataset}/keyframe_{place if dataset > 7 else place + 1}"
            if folder != first.folder:
                folder.parent.mkdir(exist_ok=True)
                copy(first.folder, folder, filmed=place < (3 if dataset == 1 else 4))
    return root


def copy(source: Path, to: Path, filmed: bool) -> None:
    """Links: the same pictures, with or without the video."""
    to.mkdir()
    for name in ("Left_Image.png", "Right_Image.png", "endoscope_calibration.yaml"):
        (to / name).symlink_to(source / name)
    if filmed:
        (to / "data").symlink_to(source / "data")


def keys(split: str, part: str, root: Path) -> list[str]:
    chosen = scared_part(split, part, root, **SMALL)
    return [sample["key"] for sample in chosen]


def test_clean_tests_on_the_videos_of_8_and_9(root: Path):
    found = keys("clean", "test", root)
    assert len(found) == 8 * 4
    assert {key.rsplit("/", 1)[0] for key in found} == {
        f"dataset_{d}/keyframe_{k}" for d in (8, 9) for k in range(4)
    }


def test_no_picture_is_trained_on_and_tested_on(root: Path):
    for split in ("clean", "challenge"):
        assert not set(keys(split, "train", root)) & set(keys(split, "test", root))


def test_listed_frames_are_counted_from_0(root: Path):
    """AF-SfMLearner tests on dataset4/keyframe4's 2 and 4, of its 1 to 4."""
    found = keys("afsfm", "test", root)
    assert [key for key in found if key.startswith("dataset_4")] == [
        "dataset_4/keyframe_4/000001",
        "dataset_4/keyframe_4/000003",
    ]


def test_stills_are_the_keyframes(root: Path):
    assert len(keys("keyframes", "test", root)) == 45
    assert keys("challenge", "val", root)[0] == "dataset_1/keyframe_4/Left_Image"


def test_a_missing_sequence_is_named(tmp_path: Path):
    write_sequence(tmp_path, "dataset_1/keyframe_1", (64, 80), frames=1)
    with pytest.raises(DataError, match=r"no such sequence: dataset_8/keyframe_0"):
        scared_part("clean", "test", tmp_path, **SMALL)


def test_an_unknown_preset_is_a_wrong_setting(root: Path):
    with pytest.raises(ConfigError, match="split=eigen is none of afsfm"):
        scared_part("eigen", "test", root, **SMALL)


def test_the_configuration_of_scared_c_splits_it_by_dataset(root: Path):
    config = OmegaConf.load(configuration() / "data/scared_c.yaml")
    for part in ("train", "val", "test"):  # the miniature is SCARED's, without a frame_log.json
        config[part].reader = {
            "_target_": "hydra.utils.get_class",
            "path": "m3depth.data.readers.scared.Scared",
        }
    said = {"root": str(root), "size": [64, 80]}
    data = instantiate(OmegaConf.create({"data": OmegaConf.merge(config, said)}).data)
    found = [{s.name[:9] for s in part.sequences} for part in (data.train, data.val, data.test)]
    assert found == [{"dataset_2", "dataset_3", "dataset_7"}, {"dataset_1"}, {"dataset_6"}]
    assert "depth_mm" in data.test[0]
    assert "depth_mm" not in data.train[0]


def test_the_configuration_of_scared_takes_the_split_by_name(root: Path):
    config = OmegaConf.load(configuration() / "data/scared.yaml")
    said = {"root": str(root), "split": "afsfm", "size": [64, 80]}
    data = instantiate(OmegaConf.create({"data": OmegaConf.merge(config, said)}).data)
    assert len(data.train) == 22 * 4  # no list beside it: every frame of its videos
    assert len(data.val) == 6 * 3  # from the second on
    assert {pair["key"][8] for pair in data.test} == set("1234567")


def test_packed_frames_are_those_of_the_videos(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("M3DEPTH_CACHE", str(tmp_path))
    packed = configured("packed", root, (64, 80)).train
    films = scared_part("clean", "train", root, **SMALL)
    assert len(packed) == len(films) == 16 * 4
    for place in (0, 63):
        assert packed[place]["key"] == films[place]["key"]
        assert packed[place]["rig"] == films[place]["rig"]
        # Resampled in 8 bits, so that packing loses nothing
        assert torch.allclose(packed[place]["left"], films[place]["left"], atol=1e-6)
    assert len(list(tmp_path.glob("packed_*/right.npy"))) == 2  # training and validation
