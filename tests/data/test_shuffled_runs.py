from itertools import pairwise

import pytest
import torch
from torch.utils.data import DistributedSampler

from m3depth.data.shuffled_runs import ShuffledRuns

FRAMES = range(103)


def order(run: int, epoch: int = 0, world: int = 1, rank: int = 0) -> list[int]:
    sampler = ShuffledRuns(FRAMES, run=run, num_replicas=world, rank=rank, shuffle=True, seed=3)
    sampler.set_epoch(epoch)
    found = list(sampler)
    assert len(found) == len(sampler)
    return found


def neighbours(frames: list[int]) -> int:
    return sum(b == a + 1 for a, b in pairwise(frames))


def test_alone_frames_come_as_the_distributed_sampler_has_them():
    plain = DistributedSampler(FRAMES, 2, 1, shuffle=True, seed=3)
    plain.set_epoch(4)
    assert order(1, 4, world=2, rank=1) == list(plain)


@pytest.mark.parametrize("epoch", range(6))
def test_every_frame_comes_once_and_most_follow_their_neighbour(epoch):
    frames = order(8, epoch)
    assert sorted(frames) == list(FRAMES)
    assert frames != list(FRAMES)
    assert neighbours(frames) >= 103 - 16
    assert neighbours(frames) < 102


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 16, 17])
def test_few_frames(count):
    for epoch in range(8):
        sampler = ShuffledRuns(range(count), run=8, num_replicas=1, rank=0, shuffle=True)
        sampler.set_epoch(epoch)
        assert sorted(sampler) == list(range(count))


def test_runs_as_long_as_a_batch_fill_batches():
    frames = order(8)
    batches = [frames[i : i + 8] for i in range(0, 11 * 8, 8)]
    assert all(neighbours(batch) == 7 for batch in batches)


def test_runs_start_elsewhere_in_each_epoch_and_the_same_when_resumed():
    orders = {tuple(order(8, epoch)) for epoch in range(6)}
    assert len(orders) == 6
    assert order(8, 2) == order(8, 2)
    starts = [{f % 8 for g, f in pairwise(o) if f != g + 1} for o in orders]
    assert len(set().union(*starts)) > 2


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_the_frames(world):
    shares = [order(8, 1, world, rank) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    assert set().union(*shares) == set(FRAMES)
    assert sum(map(len, shares)) - len(FRAMES) < world
    assert all(neighbours(share) > 0.7 * len(share) for share in shares)


def test_without_shuffling_frames_stay_in_order():
    assert list(ShuffledRuns(FRAMES, run=8, num_replicas=1, rank=0, shuffle=False)) == list(FRAMES)
    torch.manual_seed(1)  # the order never depends on what was drawn before
    assert order(8) == order(8)


@pytest.mark.parametrize("count", [1, 3])
def test_no_process_is_left_without_frames(count):
    """The others would wait for it for ever."""
    options = {"run": 8, "num_replicas": 8, "shuffle": True}
    shares = [list(ShuffledRuns(range(count), rank=rank, **options)) for rank in range(8)]
    assert [len(share) for share in shares] == [1] * 8
