"""What a 3D consistency term sees, and what it costs."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.benchmarks.clock import Work, forward_and_backward, peak_mb
from m3depth.benchmarks.known_scenes import SMOOTH, Known, builtin, middlebury, smooth_error
from m3depth.benchmarks.published_icp import published_icp
from m3depth.data.synthetic.styles import PELVIS
from m3depth.geometry.synthesis import Views, synthesise
from m3depth.losses.objective import Objective
from m3depth.losses.terms import PointConsistency
from m3depth.types import Disparity, Pair

logger = logging.getLogger(__name__)

ERRORS_PX = (0.1, 0.5, 2.0)
OFFSET_PX = 0.5
DRAWS = 3  # of random points, for the terms that draw them


def measure(
    presets: Mapping[str, Objective],
    size: Sequence[int],
    batch: int,
    batches: Sequence[int],
    repeats: int,
    scenes: int = 2,
    motorcycle: str | Path | None = None,
) -> dict[str, Any]:
    """Values and gradients at and about the truth; time and memory, all in one run.

    Args:
        presets: objectives, of which the term ``icp`` is measured.
        size: (height, width) of the built-in scenes.
        batch: of the main times and of the memory.
        batches: other batch sizes to time.
        repeats: rounds of timing; the presets take turns within each.
        scenes: built-in scenes of each kind.
        motorcycle: folder of Middlebury's scene of that name; it is left out where there is none.
    """
    terms = {name: _unweighted(objective) for name, objective in presets.items()}
    kinds = _kinds((int(size[0]), int(size[1])), scenes, motorcycle)
    many = kinds["tools"].repeated(batch)
    works = _works(terms, many)
    works["published_path"] = partial(_published, many)
    return {
        "presets": {
            name: {kind: _what_it_sees(term, known) for kind, known in kinds.items()}
            for name, term in terms.items()
        },
        f"offset_{OFFSET_PX}px": {
            name: _offset_ratio(term, kinds["folded"]) for name, term in terms.items()
        },
        "size": [int(side) for side in size],
        "batch": batch,
        "threads": torch.get_num_threads(),
        "ms": forward_and_backward(works, repeats),
        "ms_by_batch": {
            str(n): forward_and_backward(_works(terms, many.repeated(n)), repeats) for n in batches
        },
        "mb": {name: peak_mb(work) for name, work in works.items()},
    }


def _kinds(size: tuple[int, int], scenes: int, motorcycle: str | Path | None) -> dict[str, Known]:
    kinds = {
        "smooth": builtin(scenes, size, SMOOTH, tools=False),
        "folded": builtin(scenes, size, PELVIS, tools=False),
        "tools": builtin(scenes, size, PELVIS, tools=True),
    }
    if motorcycle is not None and Path(motorcycle).is_dir():
        kinds["motorcycle"] = middlebury(Path(motorcycle))
    else:
        logger.warning("benchmark.motorcycle=%s: no such folder, left out", motorcycle)
    return kinds


def _unweighted(objective: Objective) -> PointConsistency:
    term = objective.terms["icp"]
    if not isinstance(term, PointConsistency):
        raise TypeError(f"presets need a 3D term called icp, not {type(term).__name__}")
    return term


def _works(terms: Mapping[str, PointConsistency], known: Known) -> dict[str, Work]:
    views = synthesise(*known)
    return {name: partial(_from_leaves, term, views) for name, term in terms.items()}


def _from_leaves(term: PointConsistency, views: Views) -> Float[Tensor, ""]:
    leaves = Pair(*(one.clone().requires_grad_() for one in views.disparity))
    return term([replace(views, disparity=leaves)]).mean()


def _published(known: Known) -> Float[Tensor, ""]:
    leaves = Pair(*(one.clone().requires_grad_() for one in known.true))
    return published_icp(leaves, known.batch["rig"])


def _value(
    term: PointConsistency, known: Known, disparity: Disparity, seed: int = 0
) -> Float[Tensor, ""]:
    torch.manual_seed(seed)
    return term([synthesise(known.batch, disparity)]).mean()


def _what_it_sees(term: PointConsistency, known: Known) -> dict[str, Any]:
    return {
        "value_at_truth_mm": round(_drawn(term, known, known.true), 4),
        "gradient_cosine": {str(px): round(_cosine(term, known, px), 3) for px in ERRORS_PX},
    }


def _drawn(term: PointConsistency, known: Known, disparity: Disparity) -> float:
    with torch.no_grad():
        values = [_value(term, known, disparity, seed).item() for seed in range(DRAWS)]
    return sum(values) / DRAWS


def _offset_ratio(term: PointConsistency, known: Known) -> float:
    """The value with all left disparities off by the same, over the value at the truth."""
    true = known.true
    off = true._replace(left=true.left + OFFSET_PX / true.left.shape[-1])
    return round(_drawn(term, known, off) / max(_drawn(term, known, true), 1e-9), 3)


def _cosine(term: PointConsistency, known: Known, error_px: float) -> float:
    """Of the gradient with a smooth error of the left disparities, where there is a gradient."""
    true = known.true
    error = smooth_error(true.left)
    left = (true.left + error_px / true.left.shape[-1] * error).requires_grad_()
    for seed in range(DRAWS):
        value = _value(term, known, true._replace(left=left), seed)
        value.backward()  # type: ignore[no-untyped-call]
    gradient = left.grad if left.grad is not None else torch.zeros_like(left)
    there = gradient != 0
    return torch.cosine_similarity(gradient[there], error[there], dim=0).item()
