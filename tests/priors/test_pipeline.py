"""Reading ahead and writing behind: in order, bounded, and no error is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from m3depth.priors.pipeline import ahead, writing_behind


def test_what_is_read_ahead_comes_in_order() -> None:
    found = [(item, future.result()) for item, future in ahead(lambda n: n * n, range(9), 3)]
    assert found == [(n, n * n) for n in range(9)]


def test_reading_goes_on_while_an_item_is_used_and_no_further_than_asked() -> None:
    read: list[int] = []
    reading = ahead(lambda n: read.append(n), range(100), 3)
    _, first = next(reading)
    first.result()
    reading.close()
    assert 1 <= len(read) <= 4


def test_an_error_comes_at_its_own_item() -> None:
    told = []
    for item, future in ahead(lambda n: 1 / (n - 2), range(5), 2):
        try:
            future.result()
        except ZeroDivisionError:
            told.append(item)
    assert told == [2]


def test_writing_is_behind_the_caller_in_order_and_finished_at_the_end() -> None:
    free, done = threading.Event(), []

    def write(n: int) -> None:
        assert free.wait(10)
        done.append(n)

    with writing_behind(waiting=4) as behind:
        for n in range(3):
            behind(write, n)
        assert done == []  # the caller was not kept waiting
        free.set()
    assert done == [0, 1, 2]


def test_no_more_than_so_many_are_waiting() -> None:
    done: list[int] = []
    with writing_behind(waiting=2) as behind:
        for n in range(6):
            behind(done.append, n)
            assert n - len(done) <= 2


def test_an_error_of_a_write_is_not_lost() -> None:
    with pytest.raises(ZeroDivisionError), writing_behind() as behind:
        behind(lambda: 1 / 0)


def test_an_error_of_the_caller_goes_before() -> None:
    def fails() -> None:
        with writing_behind() as behind:
            behind(lambda: 1 / 0)
            raise KeyError

    with pytest.raises(KeyError):
        fails()


def test_an_error_stops_the_caller_at_a_later_call() -> None:
    def goes_on() -> int:
        with writing_behind(waiting=1) as behind:
            behind(lambda: 1 / 0)
            for n in range(100):
                behind(lambda: None)
                called.append(n)
        return 0

    called: list[int] = []
    with pytest.raises(ZeroDivisionError):
        goes_on()
    assert called == []


def test_torch_takes_one_core_beside_the_network_and_as_many_as_before_elsewhere() -> None:
    def threads(*_: object) -> int:
        return torch.get_num_threads()

    before, told = threads(), []
    try:
        torch.set_num_threads(3)
        with writing_behind() as behind:
            behind(lambda: told.append(threads()))
            read = [future.result() for _, future in ahead(threads, range(2))]
        with ThreadPoolExecutor(1) as another:
            after = [threads(), another.submit(threads).result()]
    finally:
        torch.set_num_threads(before)
    assert (told, read, after) == ([1], [1, 1], [3, 3])
