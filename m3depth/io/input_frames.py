"""The frames that `predict` is given: an image, a folder, a glob or a video, one at a time."""

import glob
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.io.images import IMAGE_SUFFIXES, colour_tensor, read_image
from m3depth.io.listing import first_of, natural_order
from m3depth.io.video import VideoEndError, frame_count, frame_rate, open_capture, tell_fewer
from m3depth.io.video_index import read_index
from m3depth.outputs.record import Record

PREDICTIONS = "predictions.json"  # `predict` leaves it where it writes, and
SHEET = "contact_sheet"  # this .png, which shows no single frame
VIEWS = ("left", "image", "images", "rgb", "color")
NO_VIEWS = ("right", "mask", "masks", "gt_masks", "depth", "depths", "disparity", "depth_float")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InputFrame:
    """One picture that is decoded when it is asked for, so that a bad one can be skipped."""

    name: str  # of its outputs; unique within the input, may hold a folder ("a/000")
    decoded: Callable[[], Float[Tensor, "3 h w"]]

    @property
    def image(self) -> Float[Tensor, "3 h w"]:
        """RGB in [0, 1]; raises DataError when this frame cannot be read."""
        return self.decoded()


def open_frames(source: str | Path) -> "InputFrames":
    """The frames of an image, of a folder of images, of a glob ("clip/*.png") or of a video.

    A folder without images of its own gives those of its sub-folders, see `images_in`.

    Raises:
        DataError: there is nothing there, no image in it, or no decoder for it; a data set, of
            which only one sub-folder can be meant.
    """
    path = Path(source)
    if path.is_dir():
        return images_in(path)
    if path.suffix.lower() in IMAGE_SUFFIXES and path.exists():
        return ImageFiles([path], str(source))
    if path.exists():
        return VideoFrames(path)
    if glob.has_magic(str(source)):
        found = (Path(match) for match in glob.glob(str(source), recursive=True))
        return ImageFiles(_images(found), str(source))
    raise DataError(f"{source}: no such image, folder, glob or video")


class ImageFiles:
    """Images named by their paths below a folder, without suffix; by default that they share."""

    frames_per_s: float | None = None  # of a video alone

    def __init__(self, paths: Sequence[Path], source: str, below: Path | None = None) -> None:
        if not paths:
            raise DataError(f"{source}: no image there ({' '.join(IMAGE_SUFFIXES)})")
        shared = below or _shared_folder(paths)
        names = [path.relative_to(shared).with_suffix("").as_posix() for path in paths]
        readers = [partial(read_image, path) for path in paths]
        self._frames = [InputFrame(*one) for one in zip(names, readers, strict=True)]
        self._frames.sort(key=lambda frame: natural_order(frame.name))
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise DataError(f"{source}: several images would be called {twice[0]}; rename one")

    def __iter__(self) -> Iterator[InputFrame]:
        return iter(self._frames)

    def __length_hint__(self) -> int:
        return len(self._frames)


class VideoFrames:
    """The frames of a video file, called 000000, 000001, ... and decoded one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            capture = open_capture(path)
        except DataError as error:
            raise DataError(f"{error}; images are {' '.join(IMAGE_SUFFIXES)}") from None
        self._index, self._estimated = read_index(path), frame_count(capture)
        self.frames_per_s: float | None = frame_rate(capture)
        capture.release()

    def __iter__(self) -> Iterator[InputFrame]:
        """All frames; then an error where the file was cut or has fewer frames than it states."""
        capture = open_capture(self.path)
        position = 0
        try:
            while capture.grab():
                decoded, pixels = capture.retrieve()
                where = f"{self.path}, frame {position:06d}"
                damaged = DataError(
                    f"{where}: cannot be decoded; re-encode the video or cut the frame"
                )
                read = partial(colour_tensor, pixels, where)
                yield InputFrame(f"{position:06d}", read if decoded else partial(_refuse, damaged))
                position += 1
        finally:
            capture.release()
        sure, cut = self._index.frames, self._index.cut
        if cut if sure is None else position < sure:
            end = VideoEndError.at(self.path, position, sure)
            yield InputFrame(f"{position:06d}", partial(_refuse, end))
        elif sure is None:
            tell_fewer(self.path, position, self._estimated)

    def __length_hint__(self) -> int:
        return self._index.frames or self._estimated


InputFrames = ImageFiles | VideoFrames
"""Frames in order, never held at once; ``operator.length_hint`` says about how many."""


def _refuse(error: DataError) -> NoReturn:
    raise error


def images_in(folder: Path) -> ImageFiles:
    """The images of a folder or, where it has none, of all folders below, named by their paths.

    Images of sub-folders beside images of its own are left out, with a warning.

    Raises:
        DataError: no image there, predictions, or sub-folders that are no views to predict from.
    """
    if _holds_predictions(folder):
        raise DataError(
            f"{folder}: holds predictions ({PREDICTIONS}), and pictures of them are no frames to "
            "predict from; give the folder that they were predicted from"
        )
    own = _images(folder.iterdir())
    nested = [path for inner in _folders_below(folder) for path in _images(inner.iterdir())]
    if own and nested:
        logger.warning(
            "%s: %d images of its own are read, and not the %d in folders below (such as %s); "
            "input='%s/**/*.png' reads all",
            *(folder, len(own), len(nested), nested[0].parent, folder),
        )
    if own or not nested:
        return ImageFiles(own, str(folder))
    _refuse_data_set(folder)
    names = sorted({str(path.parent.relative_to(folder)) for path in nested}, key=natural_order)
    counts = len(nested), len(names)
    logger.info("%s: %d images in %d folders below: %s", folder, *counts, first_of(names))
    return ImageFiles(nested, str(folder), below=folder)


def _holds_predictions(folder: Path) -> bool:
    """Also those of a run that was stopped or is still running."""
    return (folder / PREDICTIONS).exists() or Record(folder).verb == "predict"


def _folders_below(folder: Path) -> Iterator[Path]:
    """Without hidden ones, those that hold predictions, and links to a folder above."""
    above = {folder.resolve(), *folder.resolve().parents}
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        known = _holds_predictions(inner) or inner.resolve() in above
        if not known and inner.name[0] != ".":
            yield inner
            yield from _folders_below(inner)


def _refuse_data_set(folder: Path) -> None:
    """Masks and depth maps are pictures too, and a right view is not seen by the left camera."""
    names = [path.name for path in sorted(folder.iterdir()) if path.is_dir()]
    views = [name for name in names if name.lower() in VIEWS]
    others = [name for name in names if name.lower() in NO_VIEWS]
    if others:
        which = folder / (views[0] if views else "FOLDER")
        raise DataError(
            f"{folder}: holds {', '.join(others)}, which are no left views to predict from; "
            f"give the folder of the images: input={which}"
        )


def _images(paths: Iterator[Path]) -> list[Path]:
    shown = (path for path in paths if not path.name.startswith("."))
    # a link to nothing is one of them: reading it says so
    return [p for p in shown if p.suffix.lower() in IMAGE_SUFFIXES and not p.is_dir()]


def _shared_folder(paths: Sequence[Path]) -> Path:
    parents = [set(path.parents) for path in paths]
    return max(set.intersection(*parents), key=lambda folder: len(folder.parts))
