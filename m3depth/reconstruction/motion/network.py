"""A motion network, from the checkpoint of a training on video."""

import hashlib
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from m3depth.device import pick_device
from m3depth.errors import ConfigError
from m3depth.geometry.resizing import size_of
from m3depth.io.images import resize_image
from m3depth.networks.contract import TakesCameras
from m3depth.networks.trained import TrainedModel, load_model, load_motion, read_checkpoint
from m3depth.reconstruction.motion.contract import MotionSource, Placed
from m3depth.types import PairMotion, Scale, StereoRig


class NetworkMotion(MotionSource):
    """Two frames at the network's size to the camera's motion and, where it says it, K.

    Args:
        network: See `MotionNetwork`; in evaluation mode.
        depth: What was trained beside it: the unit of its translations is that of this depth.
        device: Where it computes.
        model: Its name, for records.
        checkpoint_sha256: Of its file.
        k_doubt: Of its training, see `MotionSource`.
    """

    def __init__(
        self,
        network: nn.Module,
        depth: TrainedModel,
        device: torch.device | str = "cpu",
        model: str = "",
        checkpoint_sha256: str = "",
        k_doubt: str = "",
    ) -> None:
        self.network, self.depth, self.device = network.to(device), depth, device
        self.model, self.checkpoint_sha256 = model, checkpoint_sha256
        self.k_doubt = k_doubt

    @cached_property
    def scale(self) -> Scale:
        """That of the depth which was trained beside it."""
        with torch.inference_mode():
            finest = self.depth.network(torch.full((1, 3, *self.depth.size), 0.5))[0]
        scale: Scale = finest.seen_by(self.depth.rig).up_to_scale().scale
        return scale

    @torch.inference_mode()
    def __call__(self, earlier: Placed, later: Placed) -> PairMotion:
        """Let it see both.

        Raises:
            ConfigError: the network gives no motion.
        """
        seen = (resize_image(one.sample["left"], self.depth.size) for one in (earlier, later))
        before, after = (image[None].to(self.device) for image in seen)
        given = [_camera(one, self.depth.size, self.device) for one in (earlier, later)]
        if given[0] and given[1] and isinstance(self.network, TakesCameras):
            found = self.network.with_cameras(before, after, (given[0], given[1]))
        else:
            found = self.network(before, after)
        if not isinstance(found, PairMotion) or found.later_from_earlier.shape != (1, 4, 4):
            raise ConfigError(
                f"{self.model}: gives a {type(found).__name__} for two frames; a motion network "
                "gives a m3depth.types.PairMotion, see m3depth.networks.contract"
            )
        motion = found.later_from_earlier.double().cpu()
        if found.cameras is None:
            return PairMotion(motion)
        cameras = StereoRig(*(value.double().cpu() for value in found.cameras))
        return PairMotion(motion, cameras.resized(self.depth.size, size_of(later.sample["left"])))


def _camera(one: Placed, size: tuple[int, int], device: torch.device | str) -> StereoRig | None:
    """The frame's own K at the network's size, fields (1,); None where it is not known."""
    rig, native = one.sample.get("rig"), size_of(one.sample["left"])
    if rig is None or bool(rig.stands_in(native[1])):
        return None
    return StereoRig(*(value[None].float().to(device) for value in rig.resized(native, size)))


def network_motion(checkpoint: str | Path | None, device: str = "auto") -> NetworkMotion:
    """The motion network in a checkpoint.

    Raises:
        ConfigError: there is no checkpoint.
        UserError: it cannot be read, or its training learned no motion.
    """
    if not checkpoint:
        raise ConfigError(
            "motion=network needs checkpoint=PATH of m3depth train experiment=video; or give "
            "poses=FILE"
        )
    network, depth = load_motion(checkpoint), load_model(checkpoint)
    digest = hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()
    where, name = torch.device(pick_device(device)), f"m3depth {Path(checkpoint).name}"
    doubt = read_checkpoint(Path(checkpoint))["m3depth"].get("doubt", "")
    return NetworkMotion(network, depth, where, name, digest, doubt)
