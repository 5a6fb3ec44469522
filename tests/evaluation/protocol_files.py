"""Builds protocols from ``conf/protocol``, as ``m3depth evaluate`` does."""

from hydra import compose, initialize_config_dir

from m3depth.cli.configuration import configuration
from m3depth.cli.scoring import build_protocols
from m3depth.evaluation.protocol import Protocol


def load(*names: str, more: tuple[str, ...] = ()) -> list[Protocol]:
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("evaluate", [f"protocol=[{','.join(names)}]", "output=x", *more])
    return build_protocols(config)
