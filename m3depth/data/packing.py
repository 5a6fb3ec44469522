"""Writing the samples of a data set into one array file for each of their fields."""

import logging
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset

from m3depth.errors import DataError
from m3depth.imaging.bytes import to_bytes
from m3depth.io.files import write_json
from m3depth.progress import progress
from m3depth.types import StereoBatch

PICTURES = ("left", "right")  # kept in 8 bits; everything else as it is
Values = dict[str, npt.NDArray[Any]]
log = logging.getLogger(__name__)


def pack(pairs: Dataset[StereoBatch], folder: Path, workers: int = 0) -> None:
    """Write every sample of a reader into ``folder``, which is there whole or not at all.

    ``FIELD.npy`` holds a field of all frames (pictures as 8 bits, the rig as its six numbers),
    ``content.json`` their keys, the fields' names, and why a frame could not be read.

    Args:
        pairs: the reader.
        folder: must not be there yet.
        workers: processes that decode.

    Raises:
        DataError: no frame can be read; frames differ in size or in what they have; the folder
            cannot be written.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a process that died
    try:
        part.mkdir(parents=True)
        _write(_Tried(pairs), part, workers)
        os.replace(part, folder)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be packed ({error.strerror or error}); free some space, or name "
            "another folder by M3DEPTH_CACHE"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


class _Tried(Dataset[StereoBatch | str]):
    """Samples, or why they cannot be read: an error would end a loader's worker."""

    def __init__(self, pairs: Dataset[StereoBatch]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> StereoBatch | str:
        try:
            return self.pairs[index]
        except DataError as error:
            return str(error)


class _Fields:
    """One array file for each field of the samples, 0 where no frame was written."""

    def __init__(self, folder: Path, like: Values, count: int, files: ExitStack) -> None:
        self.shapes = {name: value.shape for name, value in like.items()}
        self._files: dict[str, tuple[IO[bytes], int]] = {}  # and where its first frame begins
        for name, value in like.items():
            file = files.enter_context((folder / f"{name}.npy").open("wb"))
            header = {"descr": value.dtype.str, "fortran_order": False}
            header["shape"] = (count, *value.shape)
            np.lib.format.write_array_header_1_0(file, header)
            self._files[name] = file, file.tell()
            file.truncate(file.tell() + count * value.nbytes)

    def write(self, index: int, values: Values, key: str) -> None:
        shapes = {name: value.shape for name, value in values.items()}
        names = sorted(self.shapes | shapes)
        differing = [name for name in names if shapes.get(name) != self.shapes.get(name)]
        if differing:
            this, before = (of.get(differing[0], "absent") for of in (shapes, self.shapes))
            raise DataError(
                f"{key}: {differing[0]} is {this}, but {before} in the frames before; give all "
                "one size, and pack without truth where only some have it"
            )
        for name, value in values.items():
            file, start = self._files[name]
            file.seek(start + index * value.nbytes)
            file.write(np.ascontiguousarray(value).data)


def _write(tried: _Tried, folder: Path, workers: int) -> None:
    fields: _Fields | None = None
    keys: list[str] = []
    unreadable: dict[str, str] = {}
    loader = DataLoader(tried, batch_size=None, num_workers=workers, collate_fn=_as_it_is)
    with ExitStack() as files:
        for index, sample in enumerate(progress(loader, "packing", len(tried))):
            if isinstance(sample, str):
                log.warning("%s", sample)
                unreadable[str(index)] = sample
                keys.append("")
                continue
            values, key = _plain(sample), str(sample["key"])
            fields = fields or _Fields(folder, values, len(tried), files)
            fields.write(index, values, key)
            keys.append(key)
    if fields is None:
        why = next(iter(unreadable.values()), "the data set is empty")
        raise DataError(f"nothing to pack: not one of {len(tried)} frames can be read; {why}")
    content = {"keys": keys, "unreadable": unreadable, "fields": sorted(fields.shapes)}
    write_json(folder / "content.json", content)


def _as_it_is(sample: Any) -> Any:
    return sample


def _plain(sample: StereoBatch) -> Values:
    values: dict[str, Any] = {name: value for name, value in sample.items() if name != "key"}
    values["rig"] = torch.stack(sample["rig"])
    for name in PICTURES:
        if name in values:
            values[name] = to_bytes(values[name])
    return {name: value.numpy() for name, value in values.items()}
