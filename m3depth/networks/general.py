"""The network that comes with the package: relative depth, learned from rendered scenes alone.

Its encoder began with ImageNet's weights, and has seen no other real picture.
"""

from pathlib import Path

NAME = "general"
"""What stands for it where a checkpoint is asked for."""
FILE = Path(__file__).with_name("general.ckpt")
"""Of `make pretrain`, as float16; experiments/shift says how it was made and what it is worth."""
SAID = (
    "checkpoint=general, the network that comes with m3depth: its depth is relative, without "
    "millimetres unless pairs= or anchor= tell them, and was learned from rendered scenes alone, "
    "by an encoder that began with ImageNet's weights"
)


def named(checkpoint: str | Path) -> Path:
    """The file of a checkpoint that may go by `NAME`."""
    return FILE if str(checkpoint) == NAME else Path(checkpoint)
