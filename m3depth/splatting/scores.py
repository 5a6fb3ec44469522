"""How good a fit is: pictures in dB, depth in millimetres against what is true."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.evaluation.alignment import median
from m3depth.evaluation.metrics import abs_rel, mae, rmse, score
from m3depth.evaluation.views import psnr, ssim
from m3depth.priors.edits import few
from m3depth.sources.exact import ExactSource
from m3depth.splatting.fit import draw
from m3depth.splatting.model.splats import Splats
from m3depth.splatting.perceptual import lpips
from m3depth.splatting.recipe import Recipe
from m3depth.splatting.scene.clip import Clip, ClipFrame

SAME_K_PX = 1.0  # of a truth's K that is the scene's: a reader may have rounded it
SAME_COLOURS = 0.1  # mean difference of pictures that are the same, saved in another way
SAME_TURN, SAME_PLACE_MM = 0.005, 0.5  # of poses that are the same, rounded
METRICS = {"mae_mm": mae, "abs_rel": abs_rel, "rmse_mm": rmse}
log = logging.getLogger(__name__)


class RenderedView(NamedTuple):
    """A frame as it was rendered, and its target."""

    frame: ClipFrame  # of the scene that was fitted
    truth: ClipFrame | None
    colour: Float[Tensor, "3 h w"]  # in [0, 1]
    depth_mm: Float[Tensor, "1 h w"]  # expected; 0 where nothing is drawn

    @property
    def counts(self) -> Bool[Tensor, "1 h w"]:
        """The tissue: by the truth where there is one, so that it is the same for any prior."""
        return self.frame.use if self.truth is None else self.truth.use


def true_frames(clip: Clip, truth: Clip | None, which: Sequence[int]) -> dict[int, ClipFrame]:
    """The truth of some frames; none without a truth.

    Raises:
        DataError: the truth lacks one of them, has another size, shows something else, or has no
            depth of tissue in any of them.
    """
    if truth is None:
        return {}
    if truth.source not in ("", ExactSource.model):
        log.warning(
            "truth: its depth is of %s, not the data's own (source=exact): the errors are the "
            "distance to that",
            truth.source,
        )
    known = {frame.key: frame for frame in truth.frames}
    _tell_other_motion([(f, known[f.key]) for f in clip.frames if f.key in known])
    found = {index: _matching(clip.frames[index], known) for index in which}
    if not any(bool(frame.known.any()) for frame in found.values()):
        raise DataError(
            f"truth: {few([frame.key for frame in found.values()])}: no tissue of a known depth in "
            "any frame that is held out for the scores; give another truth, or none"
        )
    return found


def views(
    splats: Splats, clip: Clip, true: Mapping[int, ClipFrame], which: Sequence[int], recipe: Recipe
) -> Iterator[RenderedView]:
    """Draw frames of the clip, each when it is asked for."""
    for index in which:
        with torch.inference_mode():
            drawn = draw(splats, clip, index, recipe)
            colour, depth_mm = drawn.colour.clamp(0, 1).cpu(), drawn.depth_mm.cpu()
        yield RenderedView(clip.frames[index], true.get(index), colour, depth_mm)


def scored(found: Sequence[RenderedView]) -> dict[str, Any]:
    """Means over frames, as `metrics.json` has them; what the data cannot support is absent.

    ``metrics`` has PSNR, SSIM and, where its weights are, LPIPS over the tissue and, with a truth,
    the depth's errors, unscaled; ``median_scaled`` those errors after each frame's median is made
    the true one. Where nothing is drawn, the error is the whole depth. ``baselines.prior``
    is the prior itself against the truth, where it has a depth (``density``), and ``agreement`` the
    fit against the prior: how closely it follows it, which says nothing about the truth.
    ``counted`` says of how many of the ``frames`` each mean is: a frame that tools cover, or one
    without a true depth, has none.
    """
    pictures = [_pictures(view) for view in found]
    depths = [_compared(view.depth_mm, *_true(view)) for view in found]
    counted = {"pictures": sum(map(bool, pictures))}
    counted |= {"depth": sum(map(bool, depths))} if found[0].truth is not None else {}
    for name, count in counted.items():
        if count < len(found):
            log.warning(
                "the scores of %s are of %d of %d held-out frames: the others have no tissue%s",
                *(name, count, len(found), " of a known depth" if name == "depth" else ""),
            )
    record: dict[str, Any] = {
        "frames": len(found),
        "counted": counted,
        "keys": [view.frame.key for view in found],
        "alignment": "none",
        "metrics": _mean([a | b for a, b in zip(pictures, depths, strict=True)]),
    }
    agreement = _mean([_compared(v.depth_mm, v.frame.depth_mm, v.frame.known) for v in found])
    if found[0].truth is not None:
        record["median_scaled"] = _mean([_scaled(view) for view in found])
        record["valid_pixels"] = sum(int(_true(view)[1].sum()) for view in found)
        record["baselines"] = {"prior": _mean([_prior(view) for view in found])}
    return record | {"agreement": agreement}


def _matching(frame: ClipFrame, known: dict[str, ClipFrame]) -> ClipFrame:
    if frame.key not in known:
        raise DataError(
            f"truth: no frame {frame.key}, which the scene has; export both from the same frames"
        )
    true = known[frame.key]
    if true.size != frame.size:
        raise DataError(
            f"truth: {frame.key} is {true.size[1]}x{true.size[0]}, the scene's is "
            f"{frame.size[1]}x{frame.size[0]}; export both with the same writer"
        )
    off_px = float((true.intrinsics - frame.intrinsics).abs().max())
    off = float((true.image - frame.image).abs().mean())
    if off_px > SAME_K_PX or off > SAME_COLOURS:
        raise DataError(
            f"truth: {frame.key} is not the scene's picture (K is {off_px:.3g} px off, colours "
            f"{off:.2f} of 1); export both from the same frames"
        )
    return true


def _tell_other_motion(pairs: Sequence[tuple[ClipFrame, ClipFrame]]) -> None:
    """Compared between frames: each may put the world's origin where it likes."""
    for pair in pairs:
        moved, true = (
            torch.linalg.solve(first.camera_to_world.double(), one.camera_to_world.double())
            for first, one in zip(pairs[0], pair, strict=True)
        )
        off = (moved - true).abs()
        turn, place_mm = float(off[:3, :3].max()), float(off[:3, 3].max())
        if turn > SAME_TURN or place_mm > SAME_PLACE_MM:
            log.warning(
                "truth: from %s to %s its camera does not move as the scene's (by %.3g mm, the "
                "axes by %.3g): one of them has wrong poses. Depth is compared along each frame's "
                "own z, which needs none, but a fit to wrong poses is a worse fit",
                *(pairs[0][0].key, pair[0].key, place_mm, turn),
            )
            return


def _pictures(view: RenderedView) -> dict[str, float]:
    shown, target, counts = view.colour[None], view.frame.image[None], view.counts[None]
    if not counts.any():
        return {}
    found = {"psnr": psnr(shown, target, counts), "ssim": ssim(shown, target, counts)}
    perceptual = lpips(shown, target, counts)
    found |= {} if perceptual is None else {"lpips": perceptual}
    return {name: value.item() for name, value in found.items()}


def _true(view: RenderedView) -> tuple[Float[Tensor, "1 h w"], Bool[Tensor, "1 h w"]]:
    if view.truth is None:
        return torch.zeros_like(view.depth_mm), torch.zeros_like(view.counts)
    return view.truth.depth_mm, view.truth.known


def _scaled(view: RenderedView) -> dict[str, float]:
    true_mm, counts = _true(view)
    if not (view.depth_mm[counts].median() > 0 if counts.any() else False):
        return {}
    return _compared(median(view.depth_mm[counts], true_mm[counts])(view.depth_mm), true_mm, counts)


def _prior(view: RenderedView) -> dict[str, float]:
    true_mm, counts = _true(view)
    both = counts & (view.frame.depth_mm > 0)
    density = {"density": float(both.sum() / counts.sum())} if counts.any() else {}
    return _compared(view.frame.depth_mm, true_mm, both) | density


def _compared(depth_mm: Tensor, target_mm: Tensor, counts: Tensor) -> dict[str, float]:
    return score(METRICS, depth_mm[counts], target_mm[counts]) if counts.any() else {}


def _mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Over the rows that have a name."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row[name] for row in rows if name in row] for name in names}
    return {name: sum(column) / len(column) for name, column in columns.items()}
