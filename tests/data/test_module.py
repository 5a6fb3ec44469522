import pytest
import torch
from pair_fakes import Numbered

from m3depth.data.fields import collate
from m3depth.data.module import StereoData
from m3depth.errors import DataError
from m3depth.types import StereoBatch


def module(count: int = 10, **options: int) -> StereoData:
    pairs = Numbered(count)
    return StereoData(pairs, Numbered(3), Numbered(3), size=(32, 48), batch_size=2, **options)


def order(data: StereoData, epoch: int) -> list[str]:
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)  # as Lightning does
    return [key for batch in loader for key in batch["key"]]


def test_no_depth_reaches_a_training_batch():
    data = module()
    assert {"depth_mm", "mask", "tool"} <= data.train[0].keys()
    for batch in data.train_dataloader():
        assert batch.keys() == {"left", "right", "rig", "key", "skipped", "tool"}


def test_validation_batches_have_labels_and_come_in_order():
    batches = list(module().val_dataloader())
    assert all("depth_mm" in batch for batch in batches)
    assert [key for batch in batches for key in batch["key"]] == ["pair/0", "pair/1", "pair/2"]


def test_the_order_depends_on_seed_and_epoch_alone():
    first = order(module(seed=1), epoch=3)
    torch.manual_seed(99)
    torch.rand(10)
    assert order(module(seed=1), epoch=3) == first
    assert order(module(seed=1), epoch=4) != first
    assert order(module(seed=2), epoch=3) != first
    assert sorted(first) == sorted(order(module(), epoch=0))
    assert len(set(first)) == 10


def test_batches_are_whole_unless_the_set_is_smaller_than_one():
    assert [len(b["key"]) for b in module(5).train_dataloader()] == [2, 2]
    assert [len(b["key"]) for b in module(1).train_dataloader()] == [1]


def test_a_batch_s_rig_is_a_rig_of_vectors():
    batch = next(iter(module().train_dataloader()))
    assert batch["rig"].fx.shape == (2,)
    assert batch["rig"].matrix().shape == (2, 3, 3)


def test_workers_change_nothing():
    assert order(module(workers=1), epoch=1) == order(module(), epoch=1)


@pytest.mark.parametrize("empty", ["train", "val"])
def test_an_empty_set_is_named(empty: str):
    sets = {"train": Numbered(2), "val": Numbered(2), "test": Numbered(2)}
    with pytest.raises(DataError, match=rf"data\.{empty}: the data set is empty"):
        StereoData(**{**sets, empty: Numbered(0)}, size=(32, 48))


def test_collation_of_samples_with_different_labels():
    """One pair with truth, one without: training does not care."""
    with_truth, bare = Numbered(2)[0], Numbered(2)[1]
    del bare["depth_mm"]
    assert collate([with_truth, bare], needs={"left"})["key"] == ["pair/0", "pair/1"]


class OneEyed(Numbered):
    """Pairs of which some have lost their right image."""

    def __init__(self, count: int, monocular: frozenset[int]) -> None:
        super().__init__(count)
        self.monocular = monocular

    def __getitem__(self, index: int) -> StereoBatch:
        sample = super().__getitem__(index)
        if index in self.monocular:
            del sample["right"]
        return sample


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("split", ["train", "val"])
def test_a_monocular_set_is_refused_in_one_line(split: str, workers: int):
    sets = {"train": Numbered(4), "val": Numbered(4), "test": Numbered(4)}
    sets[split] = OneEyed(4, frozenset(range(4)))
    data = StereoData(**sets, size=(32, 48), batch_size=2, workers=workers)
    with pytest.raises(DataError, match=r"^pair/0: a monocular frame") as error:
        next(iter(getattr(data, f"{split}_dataloader")()))
    assert "\n" not in str(error.value)


def test_a_monocular_frame_among_pairs_is_refused():
    data = StereoData(OneEyed(6, frozenset({3})), Numbered(2), Numbered(2), (32, 48), batch_size=2)
    with pytest.raises(DataError, match="pair/3: a monocular frame"):
        list(data.train_dataloader())


def test_a_monocular_set_can_be_tested_on():
    data = StereoData(
        Numbered(2), Numbered(2), OneEyed(2, frozenset({0, 1})), (32, 48), batch_size=2
    )
    assert len(list(data.train_dataloader())) == len(list(data.val_dataloader())) == 1
