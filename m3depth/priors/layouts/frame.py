"""One frame as layouts see it, and what they say about their numbers."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, UInt8
from numpy.typing import NDArray
from torch import Tensor

from m3depth.imaging.bytes import to_bytes
from m3depth.priors.layouts.stated import METRIC
from m3depth.priors.prior import DepthPrior
from m3depth.priors.records import Record

BOUNDS_PERCENT = (0.1, 99.9)  # of the used depths, so that a few stray pixels do not stretch them

Colours = UInt8[NDArray[np.uint8], "h w 3"]
Map = Float32[NDArray[np.float32], "h w"]
Mask = Bool[NDArray[np.bool_], "h w"]
Matrix3 = Float64[NDArray[np.float64], "3 3"]
Matrix4 = Float64[NDArray[np.float64], "4 4"]


@dataclass(frozen=True)
class SceneFrame:
    """A frame in the shape that the layout wants, as arrays of one resolution.

    Attributes:
        name: The files' stem, "000123".
        key: Names the frame to people, "folder/000123".
        image: RGB.
        depth_mm: Along z; 0 = unknown.
        confidence: 0 to 1; None: not told.
        scale_deviation: See `DepthPrior`.
        use: False where the consumer must look away, such as tools.
        known: Where the layout can hold the depth and the consumer may rely on it.
        K: Integer pixel centres.
        camera_to_world: OpenCV axes, mm.
    """

    name: str
    key: str
    image: Colours
    depth_mm: Map
    confidence: Map | None
    use: Mask
    known: Mask
    K: Matrix3
    camera_to_world: Matrix4
    scale_deviation: float | None = None

    @classmethod
    def of(
        cls,
        name: str,
        prior: DepthPrior,
        holds: Callable[[Map], Mask],
        min_confidence: float,
        max_scale_deviation: float | None = None,
    ) -> Self:
        """A sound prior (see `require_sound`) as arrays.

        Args:
            name: See the attributes.
            prior: In the shape that the layout wants.
            holds: Where the layout can express the depth.
            min_confidence: Depth of less is not known.
            max_scale_deviation: Nothing is known of a frame of more; None is any.
        """
        depth_mm = prior.depth_mm[0].float().contiguous().numpy()
        sure = prior.confidence
        confidence = None if sure is None else sure[0].float().contiguous().numpy()
        confident = True if confidence is None else confidence >= min_confidence
        if max_scale_deviation is not None and prior.scale_deviation is not None:
            confident &= prior.scale_deviation <= max_scale_deviation
        use = np.ones(prior.size, bool) if prior.use is None else prior.use[0].numpy()
        colours = to_bytes(prior.image).permute(1, 2, 0)
        return cls(
            name=name,
            key=prior.key,
            image=colours.numpy(),
            depth_mm=depth_mm,
            confidence=confidence,
            use=use,
            known=use & confident & holds(depth_mm),
            K=prior.rig.matrix().double().numpy(),
            camera_to_world=prior.camera_to_world.double().numpy(),
            scale_deviation=prior.scale_deviation,
        )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.depth_mm.shape[0], self.depth_mm.shape[1]

    def bounds_mm(self) -> list[float] | None:
        """Nearest and farthest depth but for stray pixels; None without any."""
        used_mm = self.depth_mm[self.known]
        return [float(v) for v in np.percentile(used_mm, BOUNDS_PERCENT)] if used_mm.size else None


class ReadFrame(NamedTuple):
    """A frame as it is read back, with what was lost to rounding where our own files have it."""

    key: str
    image: Float[Tensor, "3 h w"]  # RGB in [0, 1]
    depth_mm: Float[Tensor, "1 h w"]  # along z; 0 = unknown
    use: Bool[Tensor, "1 h w"]  # False where an instrument covers the tissue
    intrinsics: Float[Tensor, "3 3"]  # integer pixel centres
    camera_to_world: Float[Tensor, "4 4"]  # OpenCV axes, mm
    scale_deviation: float | None = None  # see `DepthPrior`

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.image.shape[-2], self.image.shape[-1]


@dataclass(frozen=True)
class DepthMeta:
    """What a layout's numbers mean, for ``depth_meta.json``.

    Attributes:
        kind: What ``value * scale + offset`` is, in ``unit`` (or its inverse).
        depth_scale: What is known of the depth's scale.
        unit: Of depth, translations, bounds and points.
        unit_mm: Millimetres in one such unit.
        scale: See ``kind``.
        offset: See ``kind``.
        invalid: The value of unknown depth.
        mask_polarity: What the masks' values say.
        pose_convention: Axes and direction of the poses.
        world: What the poses are in, where it is not the data's own.
        notes: What a user must know to read it right.
    """

    kind: str
    unit: str
    mask_polarity: str
    pose_convention: str
    world: str = ""
    depth_scale: str = METRIC
    unit_mm: float = 1.0
    scale: float = 1.0
    offset: float = 0.0
    invalid: float | str = 0
    notes: tuple[str, ...] = ()

    def record(self) -> Record:
        """As JSON holds it, without what is not said."""
        values = asdict(self) | {"notes": list(self.notes)}
        return {name: value for name, value in values.items() if value != ""}
