"""Being asked to stop: by Ctrl-C, by a scheduler (SIGTERM) or by a closed terminal (SIGHUP)."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked = threading.Event()


class Stopped(KeyboardInterrupt):
    """The run was asked to stop, and did; the message says how to go on."""


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """Meanwhile each of the signals ends what is being done, as Ctrl-C does."""
    with _handled(_at_once):
        yield


@contextmanager
def stopping_when_asked(ask: Callable[[], None]) -> Iterator[Handler]:
    """Meanwhile the first of the signals calls ``ask``; the second ends what is being done.

    Args:
        ask: Notes that the work is to end where it can be taken up again.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for one in SIGNALS:
            signal.signal(one, _at_once)
        ask()

    with _handled(stop):
        yield stop


def stop_is_for_the_parent() -> None:
    """In a process that loads for another: a terminal's Ctrl-C and a scheduler tell all of them."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)


def stop_if_asked() -> None:
    """What works in steps looks here between them.

    Python drops an exception of a signal that comes while an object is being collected.

    Raises:
        Stopped: one of the signals came.
    """
    if _asked.is_set():
        raise Stopped


def _at_once(*_: object) -> None:
    _asked.set()
    raise Stopped


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """What is ignored stays ignored: nohup asks for that."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is told
        return
    _asked.clear()
    before = {one: signal.getsignal(one) for one in SIGNALS}
    for one, former in before.items():
        if former != signal.SIG_IGN:
            signal.signal(one, handler)
    try:
        yield
    finally:
        for one, former in before.items():
            signal.signal(one, former)
