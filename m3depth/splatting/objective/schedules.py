"""A term's weight over the course of a fit, 0 at its start and 1 at its end."""

from collections.abc import Callable

Schedule = Callable[[float], float]


def constant(progress: float, weight: float) -> float:
    """The same throughout."""
    return weight


def exponential(progress: float, first: float, last: float) -> float:
    """From ``first`` to ``last``, both above 0, by the same factor in equal times."""
    return float(first * (last / first) ** progress)


def later(progress: float, weight: float, since: float) -> float:
    """0 at first, ``weight`` from ``since`` on."""
    return weight if progress >= since else 0.0
