"""Which Gaussian touches which pixel: the list that compositing goes through."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from m3depth.splatting.rasteriser.profiles import Profile
from m3depth.splatting.rasteriser.projection import Projected

SLACK_PX = 0.01  # of a span's ends: rounding; the opacity decides about each pixel


class Pairs(NamedTuple):
    """Gaussian-pixel pairs, pixel by pixel, each pixel's from front to back."""

    gaussian: Int[Tensor, " m"]
    pixel: Int[Tensor, " m"]  # row · width + column


class Extents(NamedTuple):
    """The ellipses outside of which nothing is drawn: ``q <= level`` with the conic's form q."""

    centres: Float[Tensor, "n 2"]
    covariances: Float[Tensor, "n 3"]
    conics: Float[Tensor, "n 3"]
    level: Float[Tensor, " n"]
    cut: Float[Tensor, " n"]  # and no farther along x or y than this, pixels
    top: Int[Tensor, " n"]  # the first row
    rows: Int[Tensor, " n"]  # how many; 0 is not in view

    def take(self, which: Int[Tensor, " k"]) -> "Extents":
        """Some of them, in a given order."""
        return Extents(*(field.index_select(0, which) for field in self))


@torch.no_grad()
def extents(
    projected: Projected, opacities: Float[Tensor, " n"], profile: Profile, size: tuple[int, int]
) -> Extents:
    """Where each Gaussian covers a pixel by ``alpha_min`` or more."""
    xx, xy, yy = projected.covariances.unbind(-1)
    level = 2 * (opacities / profile.alpha_min).log()
    longest = ((xx + yy) / 2 + torch.hypot((xx - yy) / 2, xy)).sqrt()
    cut = (profile.cut_sigmas * longest).ceil()[:, None]
    reach = (level.clamp_min(0)[:, None] * torch.stack([xx, yy], -1)).sqrt() + SLACK_PX
    reach = torch.minimum(reach, cut)
    centres = projected.centres_px
    _, columns = _whole(centres[:, 0] - reach[:, 0], centres[:, 0] + reach[:, 0], size[1])
    top, rows = _whole(centres[:, 1] - reach[:, 1], centres[:, 1] + reach[:, 1], size[0])
    seen = projected.in_front & (level >= 0) & (columns > 0)
    return Extents(
        centres, projected.covariances, projected.conics, level, cut[:, 0], top, rows * seen
    )


def bands(found: Extents, size: tuple[int, int], most: int) -> Iterator[tuple[int, int]]:
    """Cut the image into bands of whole rows, (first, end), of up to ``most`` pairs each.

    A row is never cut, and what a row holds is counted with each Gaussian's widest row.
    """
    height, width = size
    chord = (2 * (found.level.clamp_min(0) / found.conics[:, 0]).sqrt() + 1).clamp_max(width)
    chord = chord.double().where(found.rows > 0, 0.0)
    change = chord.new_zeros(height + 1)
    change.index_add_(0, found.top, chord).index_add_(0, found.top + found.rows, -chord)
    first, held = 0, 0.0
    for row, pairs in enumerate(change.cumsum(0)[:height].tolist()):
        if row > first and held + pairs > most:
            yield first, row
            first, held = row, 0.0
        held += pairs
    yield first, height


@torch.no_grad()
def pairs_of(found: Extents, width: int, band: tuple[int, int]) -> Pairs:
    """Every pair in rows ``band[0]`` to ``band[1] - 1``; ``found`` is sorted front to back."""
    first = found.top.clamp_min(band[0])
    rows = ((found.top + found.rows).clamp_max(band[1]) - first).clamp_min(0)
    gaussian, step = _each(rows)
    row = first.index_select(0, gaussian) + step
    left, count = _spans(found.take(gaussian), row, width)
    span, step = _each(count)
    pixel = (row * width + left).int().index_select(0, span) + step
    pixel, order = pixel.sort(stable=True)  # each pixel's pairs stay front to back
    return Pairs(gaussian.index_select(0, span).index_select(0, order), pixel)


def _spans(found: Extents, row: Int[Tensor, " k"], width: int) -> tuple[Tensor, Tensor]:
    """The first pixel of one row of each Gaussian, and how many there are."""
    _, xy, yy = found.covariances.unbind(-1)
    x, y = found.centres.unbind(-1)
    down = row - y
    middle = x + down * xy / yy
    half = ((found.level - down.square() / yy).clamp_min(0) / found.conics[:, 0]).sqrt() + SLACK_PX
    low, high = torch.maximum(middle - half, x - found.cut), middle + half
    return _whole(low, torch.minimum(high, x + found.cut), width)


def _whole(
    low: Float[Tensor, " k"], high: Float[Tensor, " k"], length: int
) -> tuple[Int[Tensor, " k"], Int[Tensor, " k"]]:
    """The whole numbers from ``low`` to ``high`` among 0 to ``length - 1``: first, and how many."""
    first, last = low.ceil().clamp(0, length), high.floor().clamp(-1, length - 1)
    return first.long(), (last - first + 1).clamp_min(0).long()


def _each(count: Int[Tensor, " k"]) -> tuple[Int[Tensor, " m"], Int[Tensor, " m"]]:
    """Rows ``(0, 0), (0, 1), ... (0, count_0 - 1), (1, 0), ...``, as two columns."""
    end = count.cumsum(0)
    total = int(end[-1]) if len(end) else 0
    owner = torch.repeat_interleave(count, output_size=total).int()
    step = torch.arange(total, device=count.device, dtype=torch.int32)
    return owner, step - (end - count).int().index_select(0, owner)
