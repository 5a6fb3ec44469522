"""Where the time of one training step goes."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import nn

from m3depth.data.synthetic import SyntheticPairs
from m3depth.geometry.synthesis import Views, both_views, synthesise
from m3depth.losses.objective import Objective
from m3depth.losses.terms import Term
from m3depth.types import Disparity, StereoBatch

Times = dict[str, list[float]]


def measure(
    network: nn.Module, objective: Objective, size: tuple[int, int], batch: int, repeats: int
) -> dict[str, Any]:
    """Median milliseconds of each part, parts interleaved within each of ``repeats`` rounds.

    ``total`` is a whole step, timed as one; the parts are timed on their own after it. A term's
    time is its forward and backward down to the disparities, where its gradient joins the others'.
    """
    pairs = _batch(size, batch)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    times: Times = {}
    for round_ in range(repeats + 1):
        recorded = _round(network, objective, optimizer, pairs)
        for part, milliseconds in recorded.items() if round_ else ():  # the first one warms up
            times.setdefault(part, []).append(milliseconds)
    ms = {part: round(median(values), 2) for part, values in times.items()}
    terms = {name: ms.pop(name) for name in objective.terms}
    return {
        "size": list(size),
        "batch": batch,
        "threads": torch.get_num_threads(),
        "ms": {**ms, "terms": terms},
        "share": {name: round(value / ms["total"], 4) for name, value in terms.items()},
    }


def _round(
    network: nn.Module, objective: Objective, optimizer: torch.optim.Optimizer, pairs: StereoBatch
) -> dict[str, float]:
    clock: dict[str, float] = {}

    def step() -> None:
        optimizer.zero_grad()
        views = [synthesise(pairs, both_views(depth, pairs)) for depth in network(pairs["left"])]
        objective(views).total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    _timed(clock, "total", step)
    found = _timed(clock, "network", lambda: network(pairs["left"]))
    pyramid = [both_views(depth, pairs) for depth in found]
    views = _timed(clock, "synthesis", lambda: [synthesise(pairs, d) for d in pyramid])
    for name, term in objective.terms.items():
        leaves = [_leaves(disparity) for disparity in pyramid]
        fresh = [synthesise(pairs, d) for d in leaves]
        _timed(clock, name, partial(_forward_and_backward, term, fresh))
    total = objective(views).total
    _timed(clock, "backward", total.backward)
    _timed(clock, "optimizer", optimizer.step)
    return clock


def _leaves(disparity: Disparity) -> Disparity:
    maps = {name: one for name, one in disparity._asdict().items() if one is not None}
    return Disparity(**{name: one.detach().requires_grad_() for name, one in maps.items()})


def _forward_and_backward(term: Term, pyramid: list[Views]) -> None:
    value = term(pyramid).mean()
    value.backward()  # type: ignore[no-untyped-call]


def _timed(clock: dict[str, float], part: str, work: Callable[[], Any]) -> Any:
    start = perf_counter()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    clock[part] = 1000 * (perf_counter() - start)
    return result


def _batch(size: tuple[int, int], batch: int) -> StereoBatch:
    pairs = SyntheticPairs("train", batch, (size[0], size[1]))
    collated: StereoBatch = torch.utils.data.default_collate([pairs[i] for i in range(batch)])
    return collated
