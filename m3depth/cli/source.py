"""The source of depth that a command line asks for."""

from collections.abc import Sequence
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.anchors.anchored import AnchoredSource
from m3depth.cli.anchoring import paired
from m3depth.errors import ConfigError
from m3depth.sources.folder import FolderSource
from m3depth.sources.source import Source


def build_source(config: DictConfig, size: Sequence[int] | None = None) -> Source:
    """What ``source=`` chose, in millimetres by ``pairs=`` where they are given.

    Args:
        config: Of a verb.
        size: (height, width) of the images that a network is to see; None is its own.

    Raises:
        UserError: an option of the source is missing or wrong, or the pairs tell nothing.
    """
    asked = config.source
    if config.predictions is not None and "predictions" not in asked:
        raise ConfigError(
            "predictions=DIR is read by source=folder: give it without another source="
        )
    checkpoint = None if OmegaConf.is_missing(config, "checkpoint") else config.checkpoint
    if config.predictions is not None and checkpoint is not None:
        raise ConfigError(
            "give either checkpoint=PATH of m3depth train or predictions=DIR of another system"
        )
    if size is not None and "size" in asked:
        asked.size = size
    source: Source = instantiate(asked, _convert_="all")
    return paired(config, source)


def origin(config: DictConfig, source: Source) -> dict[str, Any]:
    """Where the depth is from, for a record."""
    if isinstance(source, FolderSource):
        files = {"folder": str(source.root), "kind": source.kind, "scale": source.scale}
        return {"predictions": files}
    told = {"millimetres": source.record()} if isinstance(source, AnchoredSource) else {}
    if not source.checkpoint_sha256:
        return {"source": source.model, **told}
    return {"checkpoint": str(config.checkpoint), **told}
