"""What each program does with a scene that it reads: one description, for `export` and `check`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

INRIA_CULL = 0.2  # of every rasteriser that comes from INRIA's
UNPADDED = (512, 640)  # (height, width) of EndoNeRF's clips, in the code of most who read them
NO_EXTENT = (
    "its extent of the scene, which is the largest distance of a camera from their mean, is 0, and "
    "so is the learning rate of the positions"
)
ANOTHER_LAYOUT = (
    "choose a layout whose readers fit a still camera (endonerf, gsharp, npz for `m3depth splat`), "
    "or give the trainer an extent by hand, such as the median depth:"
)


def whole_half(length: float) -> float:
    """K with W // 2."""
    return length // 2


def whole_half_of_corners(length: float) -> float:
    """K with W // 2, where pixel i has its centre at i + 0.5."""
    return length // 2 - 0.5


def between_centres(length: float) -> float:
    """A field of view alone, in INRIA's rasterisers."""
    return (length - 1) / 2


class WhenStill(NamedTuple):
    """What becomes of a camera that does not move.

    Attributes:
        stops: No option of the program helps.
        why: What it does.
        mend: What does help.
    """

    stops: bool
    why: str
    mend: str


class SeedCounts(NamedTuple):
    """How many initial points are drawn, from pixels that must be there.

    Attributes:
        first: From the first frame.
        others: From all others together, out of what the first frame's mask leaves out or where
            the depth has changed.
        change: Of the depth, in its units.
        stops: It stops where they are not; else only some of the programs that are meant do.
    """

    first: int
    others: int
    change: float
    stops: bool


@dataclass(frozen=True)
class Habits:
    """What a program does with every scene.

    Attributes:
        name: The program, for messages.
        cull: It draws nothing that is nearer than this, in its units.
        size: The only (height, width) that it knows.
        middle: Where it takes the principal point to be, of a width or a height, in pixels with
            integer centres.
        revives_unknown: It turns unknown depth into some depth, unless the mask excludes it.
        binary_masks: Any mask that is not one channel of 0 and 255 is misread.
        needs_a_mask: It divides by what the masks leave out of all frames together.
        compares_masked: It makes what it renders black where a mask leaves something out, and
            compares it with the colours of the file.
        inverse_bits: Its depth files hold inverse depth of so many bits; 0 = they hold depth.
        counts_time: It takes a frame's place among the files for its time.
        ndc: It takes rays into the cube that looks along -z of the world, unless told otherwise.
        needs_depth: It stops at a frame without any depth.
        needs_first_depth: It takes all of its initial points from the first frame.
        needs_tracks: It asks each frame of a model which points are seen in it.
        still: What becomes of a camera that stands still; None where nothing does.
        seeds: See `SeedCounts`; None where it takes what there is.
        path_with: It knows the layout by this word in the path.
        path_without: Words in the path that lead it astray.
        path_stops: Words in the path at which it looks for other files, and stops.
    """

    name: str = "this reader"
    cull: float = 0.0
    size: tuple[int, int] | None = None
    middle: Callable[[float], float] = whole_half
    revives_unknown: bool = False
    binary_masks: bool = False
    needs_a_mask: bool = False
    compares_masked: bool = False
    inverse_bits: int = 0
    counts_time: bool = False
    ndc: bool = False
    needs_depth: bool = False
    needs_first_depth: bool = False
    needs_tracks: bool = False
    still: WhenStill | None = None
    seeds: SeedCounts | None = None
    path_with: str = ""
    path_without: Sequence[str] = ()
    path_stops: Sequence[str] = ()
