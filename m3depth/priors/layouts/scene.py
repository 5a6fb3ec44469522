"""A folder of priors as the pipeline that it is for will see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import NDArray

from m3depth.errors import DataError
from m3depth.io.calibration_text import as_matrix, read_json
from m3depth.io.files import META
from m3depth.priors.layouts.habits import Habits

Stored = Shaped[NDArray[Any], "..."]
Map = Float[NDArray[np.floating], "h w"]
Mask = Shaped[NDArray[np.bool_], "h w"]


def one_channel(values: Stored) -> Stored:
    """The first of several channels, which may stand first or last."""
    if values.ndim != 3:
        return values
    return values[0] if values.shape[0] == 1 else values[..., 0]


class StatedCamera(NamedTuple):
    """What the layout says about a frame's camera."""

    K: Float[NDArray[np.floating], "3 3"]  # integer pixel centres
    size: tuple[int, int]  # (height, width) of the images that K is of


@dataclass(frozen=True)
class PriorFrame:
    """One frame as it is read.

    Attributes:
        name: The image's file name.
        image: Grey, 0 to 255.
        stored: Depth as the file holds it.
        depth: As the reader understands it, in its units; 0 = it knows that it does not know.
        mask: As the file holds it; None without one.
        used: What the reader's losses look at.
        confidence: Where the layout has one.
        scale_deviation: Where the layout has one.
        camera: Where the layout has one for each frame.
    """

    name: str
    image: Map
    stored: Stored
    depth: Map
    mask: Stored | None
    used: Mask
    confidence: Map | None = None
    camera: StatedCamera | None = None
    scale_deviation: float | None = None

    @property
    def stored_depth(self) -> Map:
        """One channel of the file's numbers, 0 = unknown."""
        return one_channel(self.stored).astype(np.float64)


@dataclass(frozen=True)
class PriorScene:
    """All frames.

    Attributes:
        folder: Of the scene.
        files: Each kind's files, in the reader's order.
        poses: Camera-to-world in OpenCV axes, as the reader understands them.
        unit_mm: Millimetres in one of the reader's units, as far as the folder says.
        load: Reads one frame.
        load_depth: Reads one frame's depth alone.
        sample: Positions of the frames whose pixels are looked at.
        habits: See `Habits`.
        kind: What the depth files hold, as metadata say it; empty where they are not the layout's.
        convention: Of the poses that the reader expects; empty where the layout leaves no choice.
        principal_px: Where the reader takes the principal point to be.
        stated_px: Where the folder says that it is; None where it does not say.
        points: The initial cloud in the reader's units; None without one.
        untracked: Names of a model's images in which no point is seen.
    """

    folder: Path
    files: Mapping[str, Sequence[Path]]
    load: Callable[[int], PriorFrame]
    sample: Sequence[int]
    load_depth: Callable[[int], Map] | None = None
    habits: Habits = field(default_factory=Habits)
    poses: Float[NDArray[np.floating], "n 4 4"] | None = None
    unit_mm: float = 1.0
    kind: str = ""
    convention: str = ""
    principal_px: tuple[float, float] | None = None
    stated_px: tuple[float, float] | None = None
    points: Float[NDArray[np.floating], "p 3"] | None = None
    untracked: Sequence[str] = ()

    @cached_property
    def frames(self) -> list[PriorFrame]:
        """The sampled ones."""
        return [self.load(index) for index in self.sample]

    @property
    def count(self) -> int:
        """How many frames there are of everything."""
        return min((len(files) for files in self.files.values()), default=0)

    @property
    def names(self) -> list[str]:
        """Of the frames' first files, in order."""
        return [path.name for path in next(iter(self.files.values()), ())]

    @cached_property
    def without_depth(self) -> list[str]:
        """The frames that have none: among all, where depth can be read alone."""
        if self.load_depth is None:
            return [frame.name for frame in self.frames if not (frame.depth > 0).any()]
        places = (i for i in range(self.count) if not (self.load_depth(i) > 0).any())
        return [self.names[i] for i in places]

    @property
    def poses_mm(self) -> Float[NDArray[np.floating], "n 4 4"] | None:
        """The poses with translations in millimetres."""
        return None if self.poses is None else self.poses * np.array([1, 1, 1, self.unit_mm])

    @property
    def cloud(self) -> Float[NDArray[np.floating], "p 3"]:
        """The initial points, of which there may be none."""
        return np.empty((0, 3)) if self.points is None else self.points

    @cached_property
    def meta(self) -> Mapping[str, Any]:
        """``depth_meta.json``; empty without one."""
        return meta_of(self.folder)


# Reads a folder as one pipeline does; of so many frames the pixels are looked at. DataError where
# a file that the reader needs is missing or is no such file
Target = Callable[[Path, int], PriorScene]


def meta_of(folder: Path) -> Mapping[str, Any]:
    """``depth_meta.json``; empty without one.

    Raises:
        DataError: it is none of ours.
    """
    path = folder / META
    if not path.exists():
        return {}
    meta = read_json(path)
    try:
        float(str(meta.get("unit_mm", 1.0)))
        as_matrix(meta.get("size", (0, 0)), (1, 2), f"{path}: size")
    except ValueError:
        raise DataError(f"{path}: unit_mm is no number; copy the scene again") from None
    return meta


def spread(length: int, frames: int) -> list[int]:
    """At most ``frames`` positions, from the first to the last."""
    return sorted({round(p) for p in np.linspace(0, length - 1, min(frames, length))})
