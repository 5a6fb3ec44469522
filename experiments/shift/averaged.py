"""One network of the mean weights of several that began from the same one.

python experiments/shift/averaged.py AVERAGED.ckpt CHECKPOINT ...

Such trainings end in one basin, and the middle of it holds better on what none has seen
(Wortsman et al. 2022, "Model soups", the uniform one). It costs no more than one of them to use.
"""

import sys
from pathlib import Path
from typing import Any

import torch

from m3depth.io.torch_files import write_torch_file
from m3depth.networks.trained import read_checkpoint


def mean(states: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Of every weight and statistic; whole numbers, such as counts of batches, are the first's."""
    if any(one.keys() != states[0].keys() for one in states):
        raise SystemExit("the checkpoints are not of one network: their weights have other names")
    return {
        name: torch.stack([one[name] for one in states]).mean(0)
        if first.is_floating_point()
        else first
        for name, first in states[0].items()
    }


def main(output: Path, checkpoints: list[Path]) -> None:
    """How surely a frame's scale is known was found for each alone, and is left out."""
    saved: list[dict[str, Any]] = [read_checkpoint(one) for one in checkpoints]
    about = {k: v for k, v in saved[0]["m3depth"].items() if k != "scale_deviation"}
    write_torch_file(
        output, {"state_dict": mean([s["state_dict"] for s in saved]), "m3depth": about}
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]])
