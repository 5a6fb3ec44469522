"""A lens whose K is solved for, of all frames of a stereo clip together, and not learned."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from m3depth.errors import DataError
from m3depth.geometry.zoom_bundle import Bundle
from m3depth.networks.video.intrinsics import Bounded
from m3depth.types import StereoRig
from m3depth.validation import require_number

THUMBNAIL = (24, 32)  # what a frame is known by


class SolvedLens(Bounded):
    """Keeps a table: what each frame looks like, and its K; an image has the K of the likest one.

    `m3depth.systems.frame_lens` fills the table when a training begins. Until then all K are in the
    middle of their bounds. Not with mirrored images.
    """

    looks: Tensor
    cameras_of: Tensor
    count: Tensor

    def __init__(
        self,
        most: int = 128,
        apart: Sequence[int] = (1, 4, 8),
        every: int = 3,
        rounds: int = 6,
        **bounds: float,
    ) -> None:
        """Build it.

        Args:
            most: frames in the table; of a longer clip so many, evenly spread.
            apart: see `lens_of_clip`; frames of the table.
            every: likewise.
            rounds: likewise.
            bounds: see `Bounds`; a K outside is an error.

        Raises:
            ConfigError: an option is out of range.
        """
        super().__init__(**bounds)
        for name, one in (("most", most), ("every", every), ("rounds", rounds)):
            require_number(f"intrinsics.{name}", one, 1, whole=True)
        for one in apart:
            require_number("intrinsics.apart", one, 1, whole=True)
        self.most, self.apart = most, tuple(apart)
        self.every, self.rounds = every, rounds
        self.register_buffer("looks", torch.zeros(most, 3 * THUMBNAIL[0] * THUMBNAIL[1]))
        self.register_buffer("cameras_of", torch.zeros(most, 4))  # fx, fy, cx, cy; share of sides
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    @property
    def solved(self) -> bool:
        """Whether there is a table."""
        return int(self.count) > 0

    def keep(self, images: Float[Tensor, "n 3 h w"], bundle: Bundle) -> None:
        """Fill the table.

        Raises:
            DataError: a K is outside the bounds, or not finite: these frames do not tell it.
        """
        height, width = images.shape[-2:]
        self._require_plausible(bundle, (height, width))
        aspect, count = bundle.log_aspect.exp(), len(images)
        cx, cy = (bundle.centre + 0.5).expand(count, 2).unbind(-1)
        rows = [bundle.focal / width, bundle.focal / aspect / height, cx / width, cy / height]
        self.cameras_of[:count] = torch.stack(rows, -1).to(self.cameras_of)
        self.looks[:count] = _thumbnails(images.to(self.looks))
        self.count.fill_(count)

    def forward(self, earlier: Tensor, later: Tensor, features: Tensor) -> StereoRig:
        """See `Intrinsics`."""
        if not self.solved:
            return self.cameras(earlier.new_zeros(len(earlier), 2, 4), earlier)
        found = torch.stack([self._of(one) for one in (earlier, later)], 1)
        height, width = earlier.shape[-2:]
        fx, fy, cx, cy = found.unbind(-1)
        cx, cy = cx * width - 0.5, cy * height - 0.5
        return StereoRig(fx * width, fy * height, cx, cy, cx, torch.zeros_like(cx))

    def _of(self, images: Tensor) -> Float[Tensor, "b 4"]:
        known = self.looks[: int(self.count)]
        return self.cameras_of[torch.cdist(_thumbnails(images).to(known), known).argmin(1)]

    def _require_plausible(self, bundle: Bundle, size: tuple[int, int]) -> None:
        height, width = size
        focal, bounds = bundle.focal / width, self.bounds
        middle = bundle.centre.new_tensor([(width - 1) / 2, (height - 1) / 2])
        off = ((bundle.centre - middle) / middle.new_tensor([width, height])).abs()
        aspect = float(bundle.log_aspect.abs().exp())
        inside = bool(((focal >= bounds.shortest) & (focal <= bounds.longest)).all())
        if not (inside and bool((off <= bounds.centre).all()) and aspect <= bounds.aspect):
            raise DataError(
                f"intrinsics: these frames do not tell K: solved, the focal length is "
                f"{float(focal.min()):.2f} to {float(focal.max()):.2f} of the width and the centre "
                f"{float(off.max()):.2f} of a side off the middle: the camera must turn, or give K "
                "(system.motion.intrinsics=null)"
            )


def _thumbnails(images: Tensor) -> Float[Tensor, "b k"]:
    return functional.interpolate(images.float(), THUMBNAIL, mode="area").flatten(1)
