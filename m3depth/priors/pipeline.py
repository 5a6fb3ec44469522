"""Reading ahead of the network and writing behind it, so that neither keeps it waiting."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import torch

from m3depth.stopping import stop_if_asked

Item = TypeVar("Item")
Result = TypeVar("Result")

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


class Behind:
    """Calls in one other thread, in order; it is left when all are done.

    >>> said = []
    >>> with Behind() as behind:
    ...     behind(said.append, 1)
    ...     behind(said.append, 2)
    >>> said
    [1, 2]

    An error of a call comes out of a later one, or at the end; what was still waiting is dropped.
    """

    def __init__(self, waiting: int = WAITING) -> None:
        self._thread = _thread("write")
        self._waiting = waiting
        self._pending: deque[Future[Any]] = deque()

    def __call__(self, task: Callable[..., Any], *arguments: Any) -> None:
        """Do it soon; waits when too much is waiting."""
        stop_if_asked()
        while len(self._pending) >= self._waiting:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(task, *arguments))

    def __enter__(self) -> Self:
        """Start the thread."""
        self._pool = self._thread.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for what is waiting, unless there was an error."""
        try:
            while self._pending and error is None:
                self._pending.popleft().result()
                stop_if_asked()
        finally:
            self._thread.__exit__(None, None, None)
