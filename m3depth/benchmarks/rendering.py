"""How many varied scenes a loader renders in a second, both views of each."""

from collections.abc import Callable, Sequence
from typing import Any

from torch.utils.data import DataLoader

from m3depth.benchmarks.clock import rates
from m3depth.data.synthetic.wide import WidePairs

BATCH = 8


def measure(
    size: Sequence[int], frames: int, workers: Sequence[int], repeats: int
) -> dict[str, Any]:
    """Median scenes per second of the same ``frames`` scenes, by each number of workers in turn."""
    pairs = WidePairs("train", frames, (int(size[0]), int(size[1])))
    loaders = {str(count): _loader(pairs, count) for count in workers}
    per_s = {count: round(rate, 1) for count, rate in rates(loaders, repeats).items()}
    return {"size": list(pairs.size), "frames": frames, "batch": BATCH, "scenes_per_s": per_s}


def _loader(pairs: WidePairs, workers: int) -> Callable[[], int]:
    loader = DataLoader(
        pairs, batch_size=BATCH, num_workers=workers, persistent_workers=workers > 0
    )
    return lambda: sum(len(batch["key"]) for batch in loader)
