"""A protocol says which pixels count, and what may be done to a prediction before it is scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.errors import ConfigError, DataError
from m3depth.evaluation.alignment import Align, Fit, none
from m3depth.evaluation.averaging import FrameMean
from m3depth.evaluation.compared import Compared
from m3depth.evaluation.pixels import KeepPixels
from m3depth.evaluation.truth import Truth
from m3depth.geometry.resizing import at_size, size_of
from m3depth.types import DepthMap, Kind, Scale

Pairs = tuple[Float[Tensor, " n"], Float[Tensor, " n"]]  # predicted and true

NEAREST_MM = 1e-3  # "not known" is scored as this: an error of the whole depth, never left out


@dataclass(frozen=True)
class Protocol:
    """How frames are scored.

    Attributes:
        name: Names the protocol in reports.
        min_mm: Pixels with a true depth below it do not count.
        max_mm: Pixels with a true depth above it do not count.
        align: Finds what a frame's prediction is corrected by, from the pixels that count.
        align_relative: The same for relative inverse depth, whose shift is to be found, too; None:
            the protocol scores no such prediction.
        whole_video: Whether all frames of a video share one fit (see `whole_video.settled`).
        fits: Those of the videos, by their names; None: not yet found.
        clip: Whether the corrected prediction is then clipped to ``min_mm .. max_mm``.
        ends_count: Whether a true depth of exactly ``min_mm`` or ``max_mm`` counts.
        only: Crops and masks; a pixel counts if all of them keep it.
        min_coverage: A frame is left out where a smaller share of its pixels has a true depth,
            in the range or not.
        mean: How the frames' numbers become the set's.
    """

    name: str
    min_mm: float
    max_mm: float
    align: Align
    align_relative: Align | None = None
    whole_video: bool = False
    fits: Mapping[str, Fit] | None = None
    clip: bool = False
    ends_count: bool = True
    only: Sequence[KeepPixels] = ()
    min_coverage: float = 0.0
    mean: FrameMean = field(default_factory=FrameMean)

    def __post_init__(self) -> None:
        """Refuse a range that nothing is in.

        Raises:
            ConfigError: Naming the settings.
        """
        if not 0 <= self.min_mm < self.max_mm:
            raise ConfigError(
                f"protocol {self.name}: min_mm={self.min_mm:g} and max_mm={self.max_mm:g} leave no "
                "depth to score; 0 <= min_mm < max_mm"
            )

    @property
    def alignment(self) -> str:
        """The aligning function's name, as `metrics.json` has it."""
        return f"{self.align.__name__}{'_per_video' if self.whole_video else ''}"

    @property
    def metric(self) -> bool:
        """Whether the prediction is scored as it is, with no need of a truth to be aligned to."""
        return self.align is none

    @property
    def range(self) -> str:
        """The depths that count, in words."""
        if self.min_mm == 0 and self.max_mm == float("inf"):
            return "every known depth"
        return f"{self.min_mm:g} to {self.max_mm:g} mm"

    @property
    def sparse(self) -> str:
        """What is said of a frame that `too_sparse` leaves out."""
        return f"less than {self.min_coverage:.0%} of its true depth known"

    def within(self, truth: Truth) -> Truth:
        """The truth with only the pixels that count."""
        counts = truth.counts & self.in_range(truth.depth_mm)
        for keep in self.only:
            counts = counts & keep(truth)
        return truth._replace(counts=counts)

    def too_sparse(self, truth: Truth) -> bool:
        """Whether the frame is left out: too little of it is known, as `Truth.of` gives it.

        Known, not known and within the range: so M3Depth's released test has it (``depth > 0.1`` on
        a tenth of the pixels), and SCARED's toolkit.
        """
        return truth.counts.double().mean().item() < self.min_coverage

    def compare(self, prediction: DepthMap, truth: Truth) -> Compared | None:
        """Bring the prediction to the truth's resolution, and only there to millimetres.

        Args:
            prediction: At any resolution.
            truth: As `within` leaves it.

        Returns:
            None if not one pixel counts.

        Raises:
            DataError: the prediction is relative, and the protocol does not align such a one.
        """
        self._require_scale(prediction, truth)
        if not truth.counts.any():
            return None
        seen = self._at(prediction, truth)
        if self._to_shift(seen):
            return self._aligned(seen, truth)
        disparity = seen.to(Kind.DISPARITY) if seen.has_disparity else None
        raw_mm = _depth(seen)
        fit = self._fit(seen, truth)
        aligned_mm = fit(raw_mm)
        depth_mm = self._finished(aligned_mm)
        return Compared(truth, raw_mm, disparity, seen.known, fit, aligned_mm, depth_mm, seen)

    def pairs(self, prediction: DepthMap, truth: Truth) -> Pairs:
        """What an alignment is found from: the pixels that count and that have a prediction.

        Args:
            prediction: At any resolution.
            truth: As `within` leaves it.

        Returns:
            Predicted depth, or relative inverse depth where that is aligned; and true depth in mm.

        Raises:
            DataError: as `compare`.
        """
        self._require_scale(prediction, truth)
        return self._pairs(self._at(prediction, truth), truth)

    def align_pairs(self, pairs: Pairs, relative: bool) -> Fit:
        """The fit to `pairs`; none without any. ``relative``: to relative inverse depth."""
        align = self.align_relative if relative and self.align_relative else self.align
        return align(*pairs) if len(pairs[0]) else Fit()

    def _at(self, prediction: DepthMap, truth: Truth) -> DepthMap:
        """At the truth's resolution, in the form that is aligned."""
        seen = at_size(prediction, size_of(truth.depth_mm)).seen_by(truth.rig)
        if self._to_shift(seen):
            return seen.relative()
        return seen if self.metric else seen.up_to_scale()  # an alignment needs no baseline

    def _to_shift(self, prediction: DepthMap) -> bool:
        shifted = prediction.scale is Scale.UP_TO_SCALE_AND_SHIFT
        return shifted and self.align_relative is not None

    def _fit(self, seen: DepthMap, truth: Truth) -> Fit:
        """The video's, else the frame's own."""
        if self.fits is not None:
            return self.fits.get(truth.video, Fit())
        return self.align_pairs(self._pairs(seen, truth), self._to_shift(seen))

    def _pairs(self, seen: DepthMap, truth: Truth) -> Pairs:
        if self._to_shift(seen):
            values, known = seen.values, truth.counts & _given(seen)
        else:
            values = _depth(seen)
            known = truth.counts & (values > 0)
        return values[known], truth.depth_mm[known]

    def _aligned(self, seen: DepthMap, truth: Truth) -> Compared:
        """Relative inverse depth beside its truth: it has neither millimetres nor a disparity."""
        fit = self._fit(seen, truth)
        aligned_mm = torch.where(_given(seen), fit.of_inverse(seen.values), 0.0)
        depth_mm = self._finished(aligned_mm)
        return Compared(truth, None, None, seen.known, fit, aligned_mm, depth_mm)

    def refusal(self, scale: Scale) -> str:
        """Why a prediction of this scale is not scored, and what scores it; "" where it is."""
        shifted = scale is Scale.UP_TO_SCALE_AND_SHIFT
        if self.metric and scale is not Scale.METRIC:
            scored = "scores millimetres as predicted"
        elif shifted and self.align_relative is None:
            scored = "finds a scale, but no shift"
        else:
            return ""
        return (
            f"protocol {self.name} {scored}: choose one that aligns, such as "
            f"protocol={'scale_shift' if shifted else 'median'}"
        )

    def _require_scale(self, prediction: DepthMap, truth: Truth) -> None:
        if why := self.refusal(prediction.scale):
            raise DataError(f"frame {truth.key}: the prediction is relative, and {why}")

    def _finished(self, depth_mm: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        if self.clip:  # but for holes: they are no answer at the near end
            clipped = depth_mm.clamp(self.min_mm, self.max_mm)
            depth_mm = torch.where(depth_mm > 0, clipped, 0.0)
        return torch.where(depth_mm.isfinite(), depth_mm, 0.0).clamp_min(NEAREST_MM)

    def in_range(self, true_mm: Float[Tensor, "*n"]) -> Bool[Tensor, "*n"]:
        """Whether a true depth is within the range."""
        if self.ends_count:
            return (true_mm >= self.min_mm) & (true_mm <= self.max_mm)
        return (true_mm > self.min_mm) & (true_mm < self.max_mm)


def _depth(seen: DepthMap) -> Float[Tensor, "1 1 H W"]:
    """0 where it is not known."""
    depth = seen.to(Kind.DEPTH).values
    return depth if seen.known is None else torch.where(seen.known, depth, 0.0)


def _given(seen: DepthMap) -> Bool[Tensor, "1 1 H W"]:
    finite = seen.values.isfinite()
    return finite if seen.known is None else finite & seen.known
