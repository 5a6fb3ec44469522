"""Finds pictures, meant to be of one camera, that hold both views of a stereo recorder."""

import logging
from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor

from m3depth.check.measuring.halves import Halves, find_halves
from m3depth.errors import DataError
from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import Picture
from m3depth.matching.features import features
from m3depth.matching.grey import grey

CROPS = {"side by side": "crop=iw/2:ih:0:0", "stacked": "crop=iw:ih/2:0:0"}
FARTHEST = 24  # frames into a clip: the first alone may be black

logger = logging.getLogger(__name__)


def places_to_look_at(count: int) -> list[int]:
    """Three of a clip's frames near its beginning, fewer where it is shorter."""
    last = max(0, min(FARTHEST, count - 1))
    return sorted({0, last // 2, last})


def require_one_view(pictures: Iterable[tuple[str, Float[Tensor, "3 h w"]]], source: str) -> None:
    """Refuse a clip in whose pictures one half shows what the other shows.

    A single picture gets a warning only: it may show something twice by chance.

    Args:
        pictures: Names and pictures of some frames.
        source: What they are from, for the message.

    Raises:
        DataError: naming how both views lie, and how to cut out the left one.
    """
    looked = [(name, _halves(to_picture(picture))) for name, picture in pictures]
    found = [(name, halves) for name, halves in looked if halves is not None]
    if not found:
        return
    name, halves = found[0]
    line = (
        f"{source}: the pictures hold two views, {halves.how} ({len(halves.matches.left_px)} "
        f"points of one half are in the other, frame {name}); give the left view alone: ffmpeg -i "
        f"INPUT -vf {CROPS[halves.how]} LEFT (and ,scale=iw*2:ih or ,scale=iw:ih*2 where the views "
        "were squeezed)"
    )
    if len(looked) > 1 and len(found) == len(looked):
        raise DataError(line)
    logger.warning("%s", line)


def _halves(picture: Picture) -> Halves | None:
    return find_halves(features(grey(picture)), (picture.shape[0], picture.shape[1]))
