"""Reading ahead of the network and writing behind it, so that neither keeps it waiting."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from m3depth.stopping import stop_if_asked

Item = TypeVar("Item")
Result = TypeVar("Result")
Behind = Callable[..., None]  # takes a function and what it is to be called with

WAITING = 4  # frames: enough to even out slow ones, few enough for the memory


def ahead(
    read: Callable[[Item], Result], items: Iterable[Item], waiting: int = WAITING
) -> Iterator[tuple[Item, "Future[Result]"]]:
    """Each item with what was read for it, in order; one thread reads the next ones meanwhile.

    An error of ``read`` comes out of the future's ``result()``, at its own item.
    """
    with _thread("read") as pool:
        pending: deque[tuple[Item, Future[Result]]] = deque()
        for item in items:
            pending.append((item, pool.submit(read, item)))
            if len(pending) > waiting:
                yield pending.popleft()
        while pending:
            yield pending.popleft()


@contextmanager
def _thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """One thread, in which torch takes one core; what was not begun by the end is dropped.

    With more, each of its operations would start threads that wait for each other and for the
    network's, which costs both of them more than the operation.
    """
    threads = torch.get_num_threads()  # settles the caller's own, before the other one is told
    pool = ThreadPoolExecutor(1, name, torch.set_num_threads, (1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # for the threads that are started later


@contextmanager
def writing_behind(waiting: int = WAITING) -> Iterator[Behind]:
    """Calls in one other thread, in order; it is left when all are done.

    >>> said = []
    >>> with writing_behind() as behind:
    ...     behind(said.append, 1)
    ...     behind(said.append, 2)
    >>> said
    [1, 2]

    A call waits when too much is waiting. An error of a call comes out of a later one, or at the
    end; what was still waiting is dropped.
    """
    pending: deque[Future[Any]] = deque()
    with _thread("write") as pool:

        def behind(task: Callable[..., Any], *arguments: Any) -> None:
            stop_if_asked()
            while len(pending) >= waiting:
                pending.popleft().result()
            pending.append(pool.submit(task, *arguments))

        yield behind
        while pending:
            pending.popleft().result()
            stop_if_asked()
