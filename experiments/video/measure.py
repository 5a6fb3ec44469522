"""Path, K and depth of a checkpoint on a built-in clip, frame by frame, as JSON.

python experiments/video/measure.py CHECKPOINT [split=test] [index=0] [turn=6,10] [zoom=0.3,0.3]
"""

import json
import sys

import numpy as np
import torch
from torch import Tensor

from m3depth.data.synthetic.clip import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.evaluation.intrinsics import score_cameras
from m3depth.evaluation.trajectory import score_path
from m3depth.geometry.motion import inverse
from m3depth.networks.trained import load_model, load_motion
from m3depth.types import Kind, StereoRig

FRAMES, SIZE = 41, (192, 256)


def measure(checkpoint: str, clip: SyntheticClip) -> dict[str, object]:
    """Each frame's motion from the one before, chained; nothing is optimised afterwards."""
    frames = [clip[index] for index in range(len(clip))]
    true = StereoRig(*(torch.stack(part) for part in zip(*(f["rig"] for f in frames), strict=True)))
    depth, poses, cameras = followed(checkpoint, torch.stack([f["left"] for f in frames]))
    truth = torch.stack([frame["depth_mm"] for frame in frames])
    camera_to_world = torch.stack([frame["camera_to_world"] for frame in frames]).double().numpy()
    ratio = (truth / depth).flatten(1).median(1).values[:, None, None, None]
    found: dict[str, object] = {
        "checkpoint": checkpoint,
        "abs_rel_median_scaled": float(((ratio * depth - truth).abs() / truth).mean()),
        "abs_rel_unscaled": float(((depth - truth).abs() / truth).mean()),
        "scale_std": float((ratio / ratio.median()).std()),
        "path": score_path(poses.numpy(), camera_to_world),
    }
    if cameras:
        found["intrinsics"] = score_cameras(cameras, true, SIZE[1])
    return found


@torch.inference_mode()
def followed(checkpoint: str, images: Tensor) -> tuple[Tensor, Tensor, StereoRig | None]:
    """Depth, camera-to-world poses and cameras of all frames; K of the last from its only pair."""
    network, motion = load_model(checkpoint).network, load_motion(checkpoint)
    pairs = [motion(images[i : i + 1], images[i + 1 : i + 2]) for i in range(len(images) - 1)]
    depth = torch.cat([network(one[None])[0].to(Kind.DEPTH).values for one in images])
    poses = [torch.eye(4, dtype=torch.float64)]
    for pair in pairs:
        poses.append(poses[-1] @ inverse(pair.later_from_earlier.double())[0])
    if pairs[0].cameras is None:
        return depth, torch.stack(poses), None
    all_cameras = [one.cameras for one in pairs if one.cameras]
    parts = zip(*all_cameras, strict=True)
    joined = StereoRig(*(torch.cat([*(p[:, 0] for p in part), part[-1][:, 1]]) for part in parts))
    return depth, torch.stack(poses), joined


def main() -> None:
    """See the module."""
    torch.set_num_threads(1)
    checkpoint, *settings = sys.argv[1:]
    given = dict(one.split("=") for one in settings)
    ranges = {"turn_deg": given.get("turn", "6,10"), "zoom": given.get("zoom", "0.3,0.3")}
    path = Moving(**{name: np.array(v.split(","), float).tolist() for name, v in ranges.items()})
    which = given.get("split", "test"), int(given.get("index", "0"))
    clip = SyntheticClip(*which, FRAMES, SIZE, path=path, deforming=False, tools=False)
    json.dump(measure(checkpoint, clip), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
