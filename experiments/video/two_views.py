"""What the flow of a real clip's neighbours tells of motion and focal length, without a training.

python experiments/video/two_views.py hololens|sinus FOLDER
"""

import json
import sys

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from m3depth.data.readers.rgbd_sequence import RgbdSequence
from m3depth.data.readers.sfm_sequence import SfmSequence
from m3depth.evaluation.trajectory import score_steps
from m3depth.geometry.motion import inverse
from m3depth.geometry.solved_motion import observed, solve_motion
from m3depth.geometry.two_views import off_the_lines
from m3depth.matching.epipolar import epipolar_motion
from m3depth.matching.optical_flow import Flow, dense_flow
from m3depth.types import StereoBatch, StereoRig

CLIPS = {"hololens": (RgbdSequence, (240, 360), 1), "sinus": (SfmSequence, (224, 400), 2)}
AGREE_PX = 0.3
FOCALS = (0.3, 0.35, 0.42, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.6, 2.0)  # of the width


def trusted_flow(one: StereoBatch, other: StereoBatch) -> Flow:
    """There, where the way back agrees and nothing lies outside a round picture."""
    flow = dense_flow(one["left"][None], other["left"][None], AGREE_PX).there
    if "ignore" not in one:
        return flow
    return flow._replace(trusted=flow.trusted & ~one["ignore"][:1][None])


def errors(found: list[Tensor], true: list[Tensor]) -> dict[str, float]:
    """Of each motion from a frame to the next, in degrees."""
    chained = [[torch.eye(4).double()], [torch.eye(4).double()]]
    for path, motions in zip(chained, (found, true), strict=True):
        for motion in motions:
            path.append(path[-1] @ inverse(motion[None].double())[0])
    one, other = (torch.stack(path).numpy() for path in chained)
    return {k: round(v, 2) for k, v in score_steps(one, other).items()}


def solved(one: StereoBatch, other: StereoBatch, depths: tuple[Tensor, Tensor]) -> Tensor:
    """By Gauss-Newton, as system/motion=solved does, of these depths."""
    rigs = tuple(StereoRig(*(f[None] for f in frame["rig"])) for frame in (one, other))
    flows = trusted_flow(one, other), trusted_flow(other, one)
    sets = zip(depths, flows, rigs, strict=True)
    seen = [observed(d, f.px, f.trusted & (d > 0), rig, 3) for d, f, rig in sets]
    return solve_motion(seen[0], seen[1], (rigs[0], rigs[1]))[0]


def by_focal_length(flow: Flow) -> dict[float, float]:
    """Median distance from the epipolar lines, px, with all of K but the focal length guessed."""
    height, width = flow.px.shape[-2:]
    found = {}
    for share in FOCALS:
        numbers = (share * width, share * width, (width - 1) / 2, (height - 1) / 2, 0.0, 0.0)
        camera = StereoRig(*(torch.full((len(flow.px),), one) for one in numbers))
        motion = epipolar_motion(flow, camera, camera)
        off = off_the_lines(flow.px, flow.trusted, motion, camera, camera)
        found[share] = round(float(off.nanmedian()), 4)
    return found


def main() -> None:
    """See the module."""
    torch.set_num_threads(1)
    reader, size, step = CLIPS[sys.argv[1]]
    frames = [*reader(sys.argv[2], size)]
    pairs = [(frames[i], frames[i + step]) for i in range(0, len(frames) - step, step)]
    poses = [(one["camera_to_world"], other["camera_to_world"]) for one, other in pairs]
    true = [torch.linalg.inv(other.double()) @ one.double() for one, other in poses]
    rigs = [StereoRig(*(f[None] for f in one["rig"])) for one, _ in pairs]
    flows = [trusted_flow(*pair) for pair in pairs]
    lines = [epipolar_motion(*both)[0] for both in zip(flows, rigs, rigs, strict=True)]
    flat = torch.ones(1, 1, *size)
    record: dict[str, object] = {
        "true_focal_share": round(float(frames[0]["rig"].fx) / size[1], 4),
        "essential_matrix": errors(lines, true),
        "solved_of_a_flat_depth": errors([solved(*pair, (flat, flat)) for pair in pairs], true),
    }
    if "depth_mm" in frames[0]:
        known = [tuple(interpolate(f["depth_mm"][None], size) for f in pair) for pair in pairs]
        found = [solved(*pair, both) for pair, both in zip(pairs, known, strict=True)]
        record["solved_of_the_true_depth"] = errors(found, true)
    wider = [trusted_flow(a, b) for a, b in zip(frames, frames[2 * step :], strict=False)]
    joined = (torch.cat(part) for part in zip(*flows, *wider, strict=True))
    record["off_the_lines_px_by_focal_share"] = by_focal_length(Flow(*joined))
    json.dump(record, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
