"""Draws what was predicted, once the range of all of it is known."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from m3depth.errors import DataError
from m3depth.imaging.bytes import to_picture
from m3depth.io.files import write_png
from m3depth.io.input_frames import SHEET, InputFrame, InputFrames
from m3depth.priors.files import beside, read_numbers
from m3depth.priors.pictures.film import write_film
from m3depth.priors.pictures.ink import Picture
from m3depth.priors.pictures.panel import Panel, Seen, seen_at, shown_size
from m3depth.priors.pictures.scale import Scale, values_of
from m3depth.priors.pictures.sheet import chosen, contact_sheet, tile
from m3depth.priors.pipeline import Behind, ahead, writing_behind
from m3depth.progress import progress

FILM = "predictions"

logger = logging.getLogger(__name__)


def draw(frames: InputFrames, names: Sequence[str], folder: Path, scale: Scale, title: str) -> None:
    """Write ``NAME.png`` of each frame, a contact sheet and, of a video, a video.

    The frames are read a second time, and their numbers from the ``.npz`` beside: neither is held.

    Args:
        frames: The input.
        names: Of the frames whose numbers are there.
        folder: Where they are, and the pictures go.
        scale: Of the colours.
        title: Of the contact sheet.

    Raises:
        UserError: the folder cannot be written to.
    """
    pictures = _Pictures(names, folder, scale)
    with writing_behind() as behind:
        film = pictures(frames, behind)
        if frames.frames_per_s:
            write_film(folder / FILM, film, frames.frames_per_s)
        for _ in film:
            pass
    if SHEET in names:
        logger.warning("no contact sheet: a frame is called %s, too", SHEET)
    elif len(names) > 1 and pictures.tiles:
        sheet = contact_sheet(pictures.tiles, scale, title)
        write_png(folder / f"{SHEET}.png", sheet)


class _Pictures:
    def __init__(self, names: Sequence[str], folder: Path, scale: Scale) -> None:
        self.names, self.folder, self.scale = names, folder, scale
        self.tiles: list[tuple[str, Seen]] = []  # of the contact sheet
        self._on_sheet = {names[place] for place in chosen(len(names))}
        self._panels: dict[tuple[tuple[int, int], bool], Panel] = {}

    def __call__(self, frames: InputFrames, behind: Behind) -> Iterator[Picture]:
        """Each frame's picture of the video, once those of its own are on their way."""
        wanted = set(self.names)
        present = (frame for frame in frames if frame.name in wanted)
        told = progress(ahead(self._read, present), "pictures", len(self.names))
        for frame, reading in told:
            try:
                seen = reading.result()
            except DataError as error:
                logger.warning("no picture of %s: %s", frame.name, error)
                continue
            behind(self._write, frame.name, seen)
            if frame.name in self._on_sheet:
                self.tiles.append((frame.name, tile(seen)))
            if frames.frames_per_s:
                yield self._panel(seen, confidence=False)(frame.name, seen)

    def _read(self, frame: InputFrame) -> Seen:
        numbers = read_numbers(self.folder / frame.name)
        values = values_of(numbers)
        whole = Seen(to_picture(frame.image), values, numbers.get("confidence"))
        return seen_at(shown_size(values.shape), whole)

    def _write(self, name: str, seen: Seen) -> None:
        picture = self._panel(seen, confidence=seen.confidence is not None)(name, seen)
        write_png(beside(self.folder / name, ".png"), picture)

    def _panel(self, seen: Seen, confidence: bool) -> Panel:
        """One for each size: its bars are drawn once."""
        height, width = seen.values.shape
        key = ((height, width), confidence)
        if key not in self._panels:
            self._panels[key] = Panel((height, width), self.scale, confidence)
        return self._panels[key]
