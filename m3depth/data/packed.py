"""Samples decoded, rectified and resized once, and read back from disk at memory's speed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from m3depth.data.packing import PICTURES, pack
from m3depth.data.settings_digest import digest, plain_settings
from m3depth.errors import DataError
from m3depth.imaging.bytes import to_floats
from m3depth.io.array_cache import cache_folder
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig

PACK_VERSION = 1  # raise it when the same frames make other files


class PackedFrames(Dataset[StereoBatch]):
    """The samples of any reader, packed on first use (`m3depth.data.packing.pack`).

    Pictures are kept in 8 bits, all else exactly, in memory-mapped arrays, so that a frame costs
    as much as one in memory once the machine has read it. A frame that its reader could not read
    raises the same `DataError` here. A pack is found by the reader's settings and by the names,
    sizes and times of the files below every ``root`` among them: other settings or files make
    another pack. Processes that start together make one.

    In YAML; ``_recursive_: false`` has the reader made only when there is something to pack::

        _target_: m3depth.data.packed.PackedFrames
        _recursive_: false
        pairs: {_target_: m3depth.data.readers.folder.FolderPairs, root: DIR, size: [256, 320]}

    Args:
        pairs: The settings of the reader: ``_target_`` and its arguments.
        folder: Where packs are kept; `cache_folder` when absent.
        workers: Processes that decode while it is packed.

    Raises:
        ConfigError, DataError: The reader's own, or those of `pack`.
    """

    def __init__(
        self, pairs: Mapping[str, Any], folder: str | Path | None = None, workers: int = 0
    ) -> None:
        from filelock import FileLock
        from hydra.utils import instantiate

        settings = plain_settings(pairs)
        place = Path(folder) if folder else cache_folder()
        self.folder = place / f"packed_{digest(settings, PACK_VERSION)}"
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"cannot be made ({error.strerror}); name another folder by M3DEPTH_CACHE"
            raise DataError(f"{place}: {reason}") from error
        with FileLock(place / f"{self.folder.name}.lock"):
            if not self.folder.is_dir():
                pack(instantiate(settings), self.folder, workers)
        content = json.loads((self.folder / "content.json").read_text())
        self.keys: list[str] = content["keys"]
        self.fields: list[str] = content["fields"]
        self.unreadable: dict[str, str] = content["unreadable"]
        self._arrays: dict[str, npt.NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: int) -> StereoBatch:
        if index >= len(self):
            raise IndexError(index)  # ends a plain `for` over the set
        if why := self.unreadable.get(str(index)):
            raise DataError(why)
        if not self._arrays:
            files = {name: self.folder / f"{name}.npy" for name in self.fields}
            self._arrays = {name: np.load(one, mmap_mode="r") for name, one in files.items()}
        sample: dict[str, Any] = {
            name: torch.from_numpy(np.array(array[index])) for name, array in self._arrays.items()
        }
        for name in sample.keys() & PICTURES:
            sample[name] = to_floats(sample[name])
        sample["rig"] = StereoRig(*sample["rig"].unbind())
        sample["key"] = self.keys[index]
        return cast(StereoBatch, sample)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_arrays": {}}  # pickled, a mapped array would be copied whole
