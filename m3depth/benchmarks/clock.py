"""Time and memory of computations that end in a loss."""

import ctypes
import multiprocessing
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

M_MMAP_THRESHOLD = -3  # glibc's malloc.h
Work = Callable[[], Tensor]  # makes its own leaves, so that it can be done again


def forward_and_backward(works: Mapping[str, Work], repeats: int) -> dict[str, dict[str, float]]:
    """Median milliseconds of each; the works take turns within each of ``repeats`` rounds.

    Each is done twice a turn and timed the second time: the first one finds the caches and the
    heap as another work left them.
    """
    clocks: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            _once(work)
            clocks[name].append(_once(work))
    return {name: _medians(clock) for name, clock in clocks.items()}


def rates(works: Mapping[str, Callable[[], int]], repeats: int) -> dict[str, float]:
    """Median items per second; each work returns how many items it did.

    The works take turns within each of ``repeats`` rounds; a first round fills the caches.
    """
    per_s: dict[str, list[float]] = {name: [] for name in works}
    for counted in range(repeats + 1):
        for name, work in works.items():
            start = perf_counter()
            done = work()
            if counted:
                per_s[name].append(done / (perf_counter() - start))
    return {name: median(values) for name, values in per_s.items()}


def peak_mb(work: Work) -> float:
    """By how much a process of its own, with one thread, grows while it does it; Linux with glibc.

    ``work`` must be picklable. It is done twice, so that what a first call loads does not count.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return round(pool.apply(_growth_mb, (work,)), 1)


def _once(work: Work) -> tuple[float, float]:
    start = perf_counter()
    value = work()
    between = perf_counter()
    value.backward()  # type: ignore[no-untyped-call]
    return between - start, perf_counter() - between


def _medians(clock: list[tuple[float, float]]) -> dict[str, float]:
    forward, backward = (round(1000 * median(part), 2) for part in zip(*clock, strict=True))
    return {"forward": forward, "backward": backward}


def _growth_mb(work: Work) -> float:
    torch.set_num_threads(1)
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**16)  # what is freed leaves the process
    _once(work)
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before = _status_mb("VmRSS")
    _once(work)
    return _status_mb("VmHWM") - before


def _status_mb(field: str) -> float:
    """A line of the kernel's account of this process, kB there."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
