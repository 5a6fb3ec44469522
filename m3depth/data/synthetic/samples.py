"""Renderings kept compactly, and read back as samples."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from m3depth.data.synthetic.rendering import Rendering
from m3depth.imaging.bytes import to_bytes, to_floats
from m3depth.io.array_cache import Arrays, cached, content_path
from m3depth.progress import progress
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.validation import require_size

logger = logging.getLogger(__name__)

PAPERS_SIZE = (256, 320)
PIXELS_AT_ONCE = 1 << 16  # per view; few enough to stay in a core's cache


def rendered_size(size: Sequence[int] | None) -> tuple[int, int]:
    """(height, width) of a rendering; None is the paper's, a set's own where nobody asks for one.

    Raises:
        ConfigError: it is no size.
    """
    return PAPERS_SIZE if size is None else require_size("size", size)


def stored(
    render_frames: Callable[[range], Rendering],
    count: int,
    size: tuple[int, int],
    cache: bool,
    **content: object,
) -> Arrays:
    """Render ``count`` frames a few at a time, or read them if ``content`` was rendered before."""

    def make() -> Arrays:
        logger.info("rendering %d frames of %dx%d", count, size[1], size[0])
        at_once = max(1, PIXELS_AT_ONCE // (size[0] * size[1]))
        batches = [range(i, min(i + at_once, count)) for i in range(0, count, at_once)]
        parts = _in_parallel(lambda batch: compact(render_frames(batch)), batches)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return cached(content_path(count=count, size=size, **content), make) if cache else make()


def _in_parallel(make: Callable[[range], Arrays], batches: list[range]) -> list[Arrays]:
    """One batch on each core, with a progress bar.

    Threads within an operation would wait for each other after every one of them, which costs
    twenty times the work on a machine with other things to do.
    """
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(progress(pool.map(make, batches), "rendering", len(batches)))
    finally:
        torch.set_num_threads(threads)


def compact(rendering: Rendering) -> Arrays:
    """A rendering as `sample` reads it: pictures in bytes, what belongs to the left view."""
    left, right = (to_bytes(view) for view in rendering.image)
    tensors = {
        "left": left,
        "right": right,
        "depth_mm": rendering.depth_mm.left,
        "occluded": rendering.occluded.left,
        "tool": rendering.tool.left,
        "tool_right": rendering.tool.right,
        "rig": torch.stack(rendering.rig, dim=-1),
        "camera_to_world": rendering.camera_to_world,
        "time_s": rendering.time_s,
    }
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def sample(arrays: Arrays, index: int, key: str) -> StereoBatch:
    """One frame of what `stored` or `compact` returned."""
    frame = {name: torch.from_numpy(np.array(array[index])) for name, array in arrays.items()}
    return StereoBatch(
        left=to_floats(frame["left"]),
        right=to_floats(frame["right"]),
        rig=StereoRig(*frame["rig"].unbind()),
        key=key,
        depth_mm=frame["depth_mm"],
        occluded=frame["occluded"],
        tool=frame["tool"],
        tool_right=frame["tool_right"],
    )


def clip_sample(arrays: Arrays, index: int, key: str) -> StereoBatch:
    """One frame of a clip: a sample with its pose and time."""
    pose, time = (
        torch.from_numpy(np.array(arrays[n][index])) for n in ("camera_to_world", "time_s")
    )
    return StereoBatch(**sample(arrays, index, key), camera_to_world=pose, time_s=time)
