"""Make a checkpoint small enough to come with the package.

python experiments/shift/released.py CHECKPOINT m3depth/networks/general.ckpt

Its weights as float16, and of its configuration what made the network and what it has learned from.
"""

import sys
from pathlib import Path

import torch

from m3depth.io.torch_files import write_torch_file
from m3depth.networks.trained import read_checkpoint

KEPT = "name", "network", "data", "objective", "augmentation", "seed"


def main(checkpoint: Path, output: Path) -> None:
    """Whole numbers, such as counts of batches, stay as they are."""
    saved = read_checkpoint(checkpoint)
    about, state = saved["m3depth"], saved["state_dict"]
    about["config"] = {name: about["config"][name] for name in KEPT}
    halves = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    if not all(torch.isfinite(v).all() for v in halves.values()):
        raise SystemExit(f"{checkpoint}: a weight is larger than float16 holds")
    write_torch_file(output, {"state_dict": halves, "m3depth": about})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
