"""A training that would be for nothing does not begin; one that is fine is not changed."""

import logging

import numpy as np
import pytest
import torch
from check_fakes import Samples
from pair_breakages import (
    Changed,
    same_view,
    stacked,
    swapped,
    uncalibrated,
    unit,
    without_truth,
)
from torch.utils.data import ConcatDataset, Dataset

from m3depth.check.require_fit import mode_of, require_fit
from m3depth.data.module import StereoData
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import ConfigError, DataError
from m3depth.types import StereoBatch

SIZE = (128, 160)


@pytest.fixture(scope="module")
def pairs() -> SyntheticPairs:
    return SyntheticPairs("test", 3, SIZE, endoscope=None, seed=3)


def data(train: Dataset[StereoBatch], test: Dataset[StereoBatch] | None = None) -> StereoData:
    return StereoData(train, train, test or train, SIZE)


def from_files(pairs: Dataset[StereoBatch]) -> Dataset[StereoBatch]:
    return Changed(pairs, lambda sample: sample)


def black(sample: StereoBatch) -> StereoBatch:
    nothing = torch.full_like(sample["left"], 0.01)
    return without_truth(sample) | {"left": nothing, "right": nothing}


def one_black(sample: StereoBatch) -> StereoBatch:
    return sample | {"right": torch.zeros_like(sample["right"])}


def masked_out(sample: StereoBatch) -> StereoBatch:
    return sample | {"mask": torch.zeros_like(sample["depth_mm"], dtype=torch.bool)}


def all_tool(sample: StereoBatch) -> StereoBatch:
    return sample | {"tool": torch.ones_like(sample["left"][:1], dtype=torch.bool)}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda s: uncalibrated(swapped(s)), "swapped_views"),
        (lambda s: without_truth(swapped(s)), "swapped_views"),
        (same_view, "same_view"),
        (stacked, "stacked_frames"),
        (black, "blank_pictures"),
        (one_black, "blank_pictures"),
        (masked_out, "empty_masks"),
        (all_tool, "empty_masks"),
        (lambda s: unit(s, 0.001), "baseline_unit"),
    ],
)
def test_what_spoils_a_training_stops_it(
    pairs: SyntheticPairs, change: object, code: str, caplog: pytest.LogCaptureFixture
):
    spoiled = data(Changed(pairs, change))
    with pytest.raises(DataError, match=rf"^{code}: .*; .*; check=warn trains all the same"):
        require_fit(spoiled, "error")
    assert not caplog.text
    require_fit(spoiled, "warn")
    assert caplog.text.count(f"{code}:") == 1
    caplog.clear()
    require_fit(spoiled, "off")
    assert not caplog.text


def test_it_is_the_tested_pairs_too_that_are_looked_at(pairs: SyntheticPairs):
    with pytest.raises(DataError, match=r"empty_masks: .* in 3 of 3 frames"):
        require_fit(data(pairs, Changed(pairs, masked_out)), "error")


def test_healthy_pairs_of_any_kind_are_trained_on(
    pairs: SyntheticPairs, caplog: pytest.LogCaptureFixture
):
    for train in (
        from_files(pairs),
        Changed(pairs, uncalibrated),
        ConcatDataset([from_files(pairs), Changed(pairs, uncalibrated)]),
        from_files(SyntheticPairs("test", 3, (32, 48))),  # too small to be judged
    ):
        require_fit(data(train), "error")
    assert not caplog.text


def test_a_few_frames_that_a_run_outlives_are_told_and_no_more(
    pairs: SyntheticPairs, caplog: pytest.LogCaptureFixture
):
    broken = DataError("left/3.png: truncated")
    require_fit(data(Samples([*(pairs[i] for i in range(3)), broken])), "error")
    assert "unreadable_frames: 3 of 12 frames cannot be read" in caplog.text
    require_fit(data(Changed(pairs, black, only=(2,))), "error")
    assert "blank_pictures: a view is black or of one colour in 1 of 3 frames" in caplog.text
    with pytest.raises(DataError, match="unreadable_frames: 9 of 9"):
        require_fit(data(Samples([broken] * 3)), "error")


class Counted(Dataset[StereoBatch]):
    def __init__(self, pairs: Dataset[StereoBatch]) -> None:
        self.pairs, self.read = pairs, 0

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: int) -> StereoBatch:
        self.read += 1
        torch.rand(1), np.random.rand()  # a reader may draw
        return self.pairs[index % len(self.pairs)] | {"key": f"v/{index}"}


def test_no_random_number_is_drawn_and_few_frames_are_read(pairs: SyntheticPairs):
    counted = Counted(pairs)
    torch.manual_seed(5), np.random.seed(5)
    expected = float(torch.rand(1)), np.random.rand()
    torch.manual_seed(5), np.random.seed(5)
    require_fit(data(counted), "error")
    assert (float(torch.rand(1)), np.random.rand()) == expected
    assert counted.read <= 24


def test_built_in_scenes_cost_nothing(pairs: SyntheticPairs, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(SyntheticPairs, "__getitem__", lambda self, index: pytest.fail("read"))
    require_fit(data(pairs), "error")


def test_other_processes_leave_it_to_the_first(
    pairs: SyntheticPairs, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("m3depth.check.require_fit.rank_zero_only.rank", 1)
    counted = Counted(Changed(pairs, swapped))
    require_fit(data(counted), "error")
    assert counted.read == 0


def test_yaml_s_off_is_off_and_other_words_are_none():
    assert [mode_of(word) for word in ("error", "warn", "off", False, True)] == [
        *("error", "warn", "off", "off", "error")
    ]
    for word in ("no", "none", 0, None, "Warn"):
        with pytest.raises(ConfigError, match=f"check={word}: choose error, warn, off"):
            mode_of(word)


def test_the_default_of_the_configuration_stops(caplog: pytest.LogCaptureFixture):
    from omegaconf import OmegaConf

    from m3depth.cli.configuration import configuration

    assert OmegaConf.load(configuration() / "train.yaml").check == "error"
    assert logging.getLogger("m3depth").level <= logging.WARNING
