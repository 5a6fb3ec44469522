"""One frame's picture: the image, its depth and how sure that is, each with what it means."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.geometry.confidence import WITHIN_MM, WITHIN_PX
from m3depth.imaging.bars import Tick
from m3depth.imaging.figures import INVERSE_DEPTH_COLOURS, colour
from m3depth.priors.pictures import ink
from m3depth.priors.pictures.ink import BAR_PX, LABELS_PX, TEXT_PX, Picture
from m3depth.priors.pictures.scale import Map, Scale

CONFIDENCE_COLOURS = "viridis"  # no colour of depth's map is taken for one of these
CONFIDENCE_TICKS = tuple(Tick(share, f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0))
LEAST_PX = 288  # width of each part: much smaller images are enlarged by a whole number
MOST_PX = (480, 640)  # height, width: larger ones are shrunk; the .npz has every pixel
GAP_PX, TITLE_PX, FOOT_PX = 12, 26, 26


class Seen(NamedTuple):
    """A frame as pictures show it, all at one size."""

    image: Picture
    values: Map  # see `values_of`; 0 = not known
    confidence: Float[NDArray[np.floating], "h w"] | None  # None: the network does not tell


@dataclass(frozen=True)
class Panel:
    """Draws frames of one size: image, depth and, if wanted, confidence, side by side.

    Args:
        size: (height, width) of a frame in the picture, see `shown_size`.
        scale: Of the depth's colours.
        confidence: Whether it is shown.
    """

    size: tuple[int, int]
    scale: Scale
    confidence: bool = True

    def __call__(self, name: str, seen: Seen) -> Picture:
        """One frame's picture."""
        picture = self._empty.copy()
        ink.write(picture, name, GAP_PX, TITLE_PX // 2, self._wide)
        known = seen.values > 0
        parts = [
            seen.image,
            colour(seen.values, self.scale.low, self.scale.high, INVERSE_DEPTH_COLOURS, known),
        ]
        if seen.confidence is not None and self.confidence:
            parts.append(colour(seen.confidence, 0, 1, CONFIDENCE_COLOURS, known))
        height, width = self.size
        for x, part in zip(self._places, parts, strict=True):
            picture[TITLE_PX : TITLE_PX + height, x : x + width] = part
        return picture

    @property
    def _wide(self) -> int:
        """Width of a part, with room for its title."""
        return max(self.size[1], LEAST_PX)

    @property
    def _places(self) -> list[int]:
        """Where the parts begin."""
        image = GAP_PX
        depth = image + self._wide + GAP_PX
        confidence = depth + self._wide + GAP_PX + BAR_PX + LABELS_PX
        return [image, depth, confidence][: 3 if self.confidence else 2]

    @cached_property
    def _empty(self) -> Picture:
        """What all frames share: bars, their numbers and titles."""
        height, width = self.size
        end = self._places[-1] + self._wide + GAP_PX + BAR_PX + LABELS_PX
        tall = TITLE_PX + height + FOOT_PX
        picture = ink.blank(tall + tall % 2, end + end % 2)  # even: a video's are
        foot = TITLE_PX + height + FOOT_PX // 2
        depth = self._places[1]
        ink.write(picture, f"{self.scale.title} (red is near)", depth, TITLE_PX // 2)
        self._bar(picture, depth + width, self.scale.ticks, INVERSE_DEPTH_COLOURS)
        ink.unknown(picture, depth, foot)
        if self.confidence:
            sure = self._places[2]
            within = f"{WITHIN_MM:g} mm" if "mm" in self.scale.title else f"{WITHIN_PX:g} px"
            ink.write(picture, f"confidence: right to within {within}", sure, TITLE_PX // 2)
            self._bar(picture, sure + width, CONFIDENCE_TICKS, CONFIDENCE_COLOURS)
        return picture

    def _bar(self, picture: Picture, x: int, ticks: tuple[Tick, ...], colours: str) -> None:
        inset = TEXT_PX // 2  # the numbers at the ends stay beside the image
        height = self.size[0] - 2 * inset
        ink.bar(picture, x + GAP_PX // 2, TITLE_PX + inset, height, ticks, colours)


def shown_size(size: tuple[int, int], most: tuple[int, int] = MOST_PX) -> tuple[int, int]:
    """At which (height, width) a picture shows an image."""
    height, width = size
    if width < LEAST_PX and height < most[0] and most == MOST_PX:
        factor = min(max(1, round(LEAST_PX / width)), most[0] // height)
        return factor * height, factor * width
    shrunk = min(1.0, most[0] / height, most[1] / width)
    return max(1, round(shrunk * height)), max(1, round(shrunk * width))


def seen_at(size: tuple[int, int], seen: Seen) -> Seen:
    """At another size; numbers are the nearest pixel's, not mixed."""
    import cv2

    if seen.image.shape[:2] == size:
        return seen

    def nearest(maps: Map) -> NDArray[np.floating]:
        found = cv2.resize(maps, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        return np.asarray(found, np.float32)

    smaller = size[0] < seen.image.shape[0]
    smooth = cv2.INTER_AREA if smaller else cv2.INTER_NEAREST_EXACT
    image = np.asarray(cv2.resize(seen.image, size[::-1], interpolation=smooth), np.uint8)
    sure = None if seen.confidence is None else nearest(seen.confidence)
    return Seen(image, nearest(seen.values), sure)
