"""What a forward and a backward pass cost: time and memory, the same way for every peer."""

import multiprocessing
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

Step = Callable[[], Tensor]  # a forward pass, from leaves of its own to one number


def medians_ms(steps: Mapping[str, Step], repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds of forward and of backward; the steps take turns within each round."""
    clocks: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for round_ in range(repeats + 1):
        for name, step in steps.items():
            elapsed = _once(step)
            if round_:  # the first one warms up
                clocks[name].append(elapsed)
    return {
        name: {
            part: round(1000 * median(values), 2)
            for part, values in zip(("forward", "backward"), zip(*clock, strict=True), strict=True)
        }
        for name, clock in clocks.items()
    }


def peak_mb(step: Step) -> float:
    """By how much a fresh process grows that takes the step once; Linux only."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return round(pool.apply(_growth_mb, (step,)), 1)


def _once(step: Step) -> tuple[float, float]:
    start = perf_counter()
    value = step()
    between = perf_counter()
    value.backward()  # type: ignore[no-untyped-call]
    return between - start, perf_counter() - between


def _growth_mb(step: Step) -> float:
    torch.set_num_threads(1)
    Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak of the imports
    before = _status_mb("VmRSS")
    _once(step)
    return _status_mb("VmHWM") - before


def _status_mb(field: str) -> float:
    """A line of the kernel's account of this process, kB there."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
