"""What lies in a folder, and in which order."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from m3depth.errors import DataError
from m3depth.log import warn_once

IN_DATA = frozenset(  # suffixes of pictures and numbers: those that are not read are named
    (
        *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".ppm", ".pgm"),
        *(".jp2", ".exr", ".hdr", ".heic", ".avif", ".dcm"),
        *(".mp4", ".avi", ".mov", ".mkv", ".webm"),
        *(".npy", ".npz", ".pfm", ".flo", ".mat", ".h5", ".hdf5", ".pt", ".pth", ".pkl", ".raw"),
    )
)


def natural_order(name: str) -> list[int | str]:
    """A sort key that puts ``frame10`` after ``frame9``."""
    parts = re.split(r"(\d+)", name)  # text and digits in turn, text first
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def files_by_name(folder: Path, suffixes: Sequence[str], required: bool = True) -> dict[str, Path]:
    """The files of a folder by their names without suffix, in natural order.

    Pictures and numbers of other suffixes are named in a warning: they may have been meant.

    Raises:
        DataError: no folder or no file where one is required; none but files that are not read;
            two files of one name.
    """
    if not folder.is_dir():
        if not required:
            return {}
        missing = folder if folder.parent.is_dir() else folder.parent
        raise DataError(
            f"{missing}: no such folder; data.root is where the layout of the set begins"
        )
    files = [path for path in folder.iterdir() if not path.name.startswith(".")]
    paths = [path for path in files if path.suffix.lower() in suffixes]
    special = [path.name for path in paths if path.exists() and not path.is_file()]
    refuse(sorted(special), folder, "a folder or a pipe where a file is expected")
    if paths and (unread := folders_of_data(folder)):
        warn_once(f"{folder}: folders in it are not read: {', '.join(unread[:3])}")
    _tell_unused(folder, [path for path in files if path not in paths], suffixes, bool(paths))
    counts = Counter(path.stem for path in paths)
    refuse(sorted(n for n in counts if counts[n] > 1), folder, "several files of one name")
    if required and not paths:
        inner = sorted(path.name for path in files if path.is_dir())
        folders = f"no images right in it, but folders ({first_of(inner)}): give one of them"
        where = folders if inner else "empty"
        raise DataError(f"{folder}: {where}; expected images ({' '.join(suffixes)})")
    return {path.stem: path for path in sorted(paths, key=lambda p: natural_order(p.stem))}


def folders_of_data(folder: Path) -> list[str]:
    """The names of those of its folders that have pictures or numbers in them."""
    below = (path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    return sorted(p.name for p in below if any(f.suffix.lower() in IN_DATA for f in p.iterdir()))


def _tell_unused(folder: Path, files: Sequence[Path], suffixes: Sequence[str], used: bool) -> None:
    """Say which pictures and numbers of a folder are not read; stop where there are no others."""
    unread = sorted(path.name for path in files if path.suffix.lower() in IN_DATA)
    if not unread:
        return
    kind = f"{len(unread)} files of a kind that is not read here: {first_of(unread)}"
    what = f"{folder}: {kind}; save them as"
    if not used:
        raise DataError(f"{what} one of {' '.join(suffixes)}, or take the folder away")
    warn_once(f"{what} one of {' '.join(suffixes)} to have them used")


def first_of(names: Sequence[str]) -> str:
    """The first three of them, and whether there are more."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def refuse(names: Sequence[str], where: Path, what: str) -> None:
    """Raise a `DataError` that lists what should not be; silent when nothing is listed."""
    if names:
        which = f"{first_of(names)} ({len(names)})"
        raise DataError(f"{where}: {what}: {which}; add the files or remove them")


def frame_number(name: str) -> str:
    """What identifies a frame: the numbers in its name, or the whole name where it has none.

    >>> frame_number("7"), frame_number("000007l"), frame_number("frame-000007.color")
    ('7', '7', '7')
    >>> frame_number("000012_10")
    '12_10'
    """
    return "_".join(str(int(digits)) for digits in re.findall(r"\d+", name)) or name


def matched_files(folders: Sequence[Path], suffixes: Sequence[str]) -> list[tuple[Path, ...]]:
    """The files of each frame, one from each folder, matched and ordered by `frame_number`.

    A folder that begins later or ends earlier than another leaves fewer frames, with a warning.

    Raises:
        DataError: no folder, no file, a frame missing in between, or two files of one number.
    """
    listings = [_by_number(folder, suffixes) for folder in folders]
    every = sorted(set().union(*listings), key=natural_order)
    shared = [number for number in every if all(number in listing for listing in listings)]
    if not shared:
        names = " and ".join(folder.name for folder in folders)
        raise DataError(f"{folders[0].parent}: {names} have no frame in common; compare the names")
    between = every[every.index(shared[0]) : every.index(shared[-1]) + 1]
    for folder, listing in zip(folders, listings, strict=True):
        lost = [number for number in between if number not in listing]
        refuse(lost, folder, "no file for frame")
    if len(shared) < len(every):
        counts = ", ".join(f"{f.name} {len(x)}" for f, x in zip(folders, listings, strict=True))
        warn_once(f"{folders[0].parent}: {counts} files; the {len(shared)} that match are used")
    return [tuple(listing[number] for listing in listings) for number in shared]


def folders_with(root: Path, *members: str, levels: int = 3) -> list[Path]:
    """The folders that hold all ``members`` (names or globs), in natural order.

    ``root`` may be such a folder, lie one level too deep, or have them up to ``levels`` below.

    Raises:
        DataError: there is none.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; data.root is where the set was unpacked")
    found = _folders_below(root, members, levels)
    above = root.absolute().parent
    if not found and _holds(above, members):
        found = [above]
    if not found:
        what = " and ".join(members)
        raise DataError(f"{root}: no folder with {what} there, {levels} levels below or one above")
    return found


def chosen(folders: Sequence[Path], names: Collection[str], root: Path) -> dict[str, Path]:
    """The folders by name, all of them or those of ``names``.

    Raises:
        DataError: one of ``names`` is not there, or two folders have one name.
    """
    found = {folder.absolute().name: folder for folder in folders}  # a link keeps its own
    refuse([str(f) for f in folders if f not in found.values()], root, "several folders of a name")
    refuse(sorted(set(names) - set(found)), root, "no such folder")
    return {name: folder for name, folder in found.items() if name in (names or found)}


def _folders_below(folder: Path, members: Sequence[str], levels: int) -> list[Path]:
    if _holds(folder, members):
        return [folder]
    if levels == 0:
        return []
    inner = [path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."]
    inner.sort(key=lambda path: natural_order(path.name))
    return [found for path in inner for found in _folders_below(path, members, levels - 1)]


def _holds(folder: Path, members: Sequence[str]) -> bool:
    return all(next(folder.glob(member), None) is not None for member in members)


def _by_number(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    paths = list(files_by_name(folder, suffixes).values())
    listing = {frame_number(path.stem): path for path in paths}
    kept = set(listing.values())
    refuse([path.name for path in paths if path not in kept], folder, "several files of one number")
    return listing
