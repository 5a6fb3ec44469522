"""Samples a data set and runs the checks on it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch.utils.data import Dataset

from m3depth.check.finding import Finding
from m3depth.check.measuring.sampler import Sampled, Sampler
from m3depth.errors import DataError
from m3depth.types import StereoBatch

# What one kind of fault is found in; nothing when all is well, or when the set cannot tell
Check = Callable[[Sampled], Iterable[Finding]]


def check(
    splits: Mapping[str, Dataset[StereoBatch]], sampler: Sampler, checks: Sequence[Check]
) -> tuple[list[Finding], Sampled]:
    """All findings, errors first.

    Raises:
        DataError: there is no frame at all.
    """
    sampled = sampler(splits)
    if not sampled.frames and not sampled.unreadable:
        raise DataError("the data set is empty: no split has a frame")
    findings = [finding for one in checks for finding in one(sampled)]
    return sorted(findings, key=lambda finding: -finding.severity), sampled


def told_frames(sampled: Sampled) -> str:
    """How much of the set was looked at."""
    parts = [
        f"{name}: {len(sampled.keys[name])} of {length:,}"
        for name, length in sampled.lengths.items()
    ]
    return f"frames read ({', '.join(parts)}), {len(sampled.frames)} different ones measured"


def frames_read(sampled: Sampled) -> dict[str, Any]:
    """How much was looked at, for ``check.json``."""
    read = {name: len(keys) for name, keys in sampled.keys.items()}
    return {"in_set": sampled.lengths, "read": read, "measured": len(sampled.frames)}
