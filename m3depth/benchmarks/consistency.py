"""What a 3D consistency term sees, and what it costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.benchmarks.costs import Step, medians_ms, peak_mb
from m3depth.benchmarks.published_icp import published_icp
from m3depth.data.synthetic import SyntheticPairs
from m3depth.data.synthetic.styles import PELVIS, Style
from m3depth.geometry.synthesis import synthesise
from m3depth.losses.objective import Objective
from m3depth.losses.terms import PointConsistency
from m3depth.types import Disparity, Pair, StereoBatch

ERRORS_PX = (0.1, 0.5, 2.0)
OFFSET_PX = 0.5
DRAWS = 3  # of random points, for the terms that draw them
SMOOTH = replace(PELVIS, fold_mm=(0.0, 0.0), bump_mm=(0.0, 0.0), lobe_mm=(0.0, 0.0))

Known = tuple[StereoBatch, Disparity]  # a batch and its true disparities
Work = Callable[[StereoBatch, Disparity], Tensor]


def measure(
    presets: Mapping[str, Objective],
    size: Sequence[int],
    batch: int,
    batches: Sequence[int],
    repeats: int,
    scenes: int = 2,
) -> dict[str, Any]:
    """Values and gradients at and about the truth; time and memory, all in one run.

    Args:
        presets: objectives, of which the term ``icp`` is measured.
        size: (height, width) of the disparity maps.
        batch: of the main times and of the memory.
        batches: other batch sizes to time.
        repeats: rounds of timing; the presets take turns within each.
        scenes: built-in scenes of each kind.
    """
    terms = {name: _unweighted(objective) for name, objective in presets.items()}
    at = (int(size[0]), int(size[1]))
    kinds = {
        "smooth": _known(scenes, at, SMOOTH, tools=False),
        "folded": _known(scenes, at, PELVIS, tools=False),
        "tools": _known(scenes, at, PELVIS, tools=True),
    }
    found = {
        name: {kind: _what_it_sees(term, known) for kind, known in kinds.items()}
        for name, term in terms.items()
    }
    offsets = {name: _offset_ratio(term, kinds["folded"]) for name, term in terms.items()}
    works: dict[str, Work] = {name: partial(_value, term) for name, term in terms.items()}
    works["published_path"] = _published
    timed = _steps(works, _repeated(kinds["tools"], batch))
    return {
        "presets": found,
        "offset_0.5px": offsets,
        "size": list(at),
        "batch": batch,
        "threads": torch.get_num_threads(),
        "ms": medians_ms(timed, repeats),
        "ms_by_batch": {
            str(n): medians_ms(
                _steps({k: works[k] for k in terms}, _repeated(kinds["tools"], n)), repeats
            )
            for n in batches
        },
        "mb": {name: peak_mb(step) for name, step in timed.items()},
    }


def _unweighted(objective: Objective) -> PointConsistency:
    term = objective.terms["icp"]
    if not isinstance(term, PointConsistency):
        raise TypeError(f"presets need a 3D term called icp, not {type(term).__name__}")
    return term


def _what_it_sees(term: PointConsistency, known: Known) -> dict[str, Any]:
    batch, true = known
    return {
        "value_at_truth_mm": round(_drawn(term, batch, true), 4),
        "gradient_cosine": {str(px): round(_cosine(term, known, px), 3) for px in ERRORS_PX},
    }


def _drawn(term: PointConsistency, batch: StereoBatch, disparity: Disparity) -> float:
    with torch.no_grad():
        values = [_value(term, batch, disparity, seed).item() for seed in range(DRAWS)]
    return sum(values) / DRAWS


def _value(
    term: PointConsistency, batch: StereoBatch, disparity: Disparity, seed: int = 0
) -> Float[Tensor, ""]:
    torch.manual_seed(seed)
    return term([synthesise(batch, disparity)])


def _published(batch: StereoBatch, disparity: Disparity) -> Float[Tensor, ""]:
    return published_icp(Pair(*disparity), batch["rig"])


def _offset_ratio(term: PointConsistency, known: Known) -> float:
    """The value with all left disparities off by the same, over the value at the truth."""
    batch, true = known
    off = true._replace(left=true.left + OFFSET_PX / true.left.shape[-1])
    return round(_drawn(term, batch, off) / max(_drawn(term, batch, true), 1e-9), 3)


def _cosine(term: PointConsistency, known: Known, error_px: float) -> float:
    """Of the gradient with a smooth error of the left disparities, where there is a gradient."""
    batch, true = known
    error = _smooth(true.left)
    left = (true.left + error_px / true.left.shape[-1] * error).requires_grad_()
    for seed in range(DRAWS):
        _value(term, batch, true._replace(left=left), seed).backward()  # type: ignore[no-untyped-call]
    gradient = left.grad if left.grad is not None else torch.zeros_like(left)
    there = gradient != 0
    return torch.cosine_similarity(gradient[there], error[there], dim=0).item()


def _smooth(like: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """A field that changes slowly over the image, root mean square 1."""
    sides = (torch.linspace(-1, 1, side) for side in like.shape[-2:])
    y, x = torch.meshgrid(*sides, indexing="ij")
    field = (3 * x + 1).sin() * (2.5 * y).cos() + 0.5 * (2 * y - x).sin()
    return (field / field.square().mean().sqrt()).expand_as(like)


def _known(count: int, size: tuple[int, int], style: Style, tools: bool) -> Known:
    """Rendered without what no disparity explains."""
    pairs = SyntheticPairs(
        "test", count, size, style=style, tools=tools, highlights=False, noise=False, cache=False
    )
    view = pairs.render(range(count))
    rig = type(view.rig)(*(value.clone() for value in view.rig))
    left, right = (one.clone() for one in view.image)
    batch = StereoBatch(left=left, right=right, rig=rig, key=[str(i) for i in range(count)])
    return batch, Disparity(*(one.clone() / size[1] for one in view.disparity_px))


def _repeated(known: Known, count: int) -> Known:
    """The same scenes over and over, as a batch of ``count``."""
    batch, true = known
    index = torch.arange(count) % len(batch["left"])
    many = StereoBatch(
        left=batch["left"][index],
        right=batch["right"][index],
        rig=type(batch["rig"])(*(value[index] for value in batch["rig"])),
        key=[batch["key"][i] for i in index.tolist()],
    )
    return many, Disparity(*(one[index] for one in true))


def _steps(works: Mapping[str, Work], known: Known) -> dict[str, Step]:
    return {name: partial(_forward, work, *known) for name, work in works.items()}


def _forward(work: Work, batch: StereoBatch, true: Disparity) -> Tensor:
    return work(batch, Disparity(*(one.clone().requires_grad_() for one in true)))
