"""Learning from video: depth, motion and intrinsics; one batch of clips, read straight down."""

from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.data.augmentation import Augmentation
from m3depth.data.ignore import Ignore
from m3depth.errors import ConfigError
from m3depth.geometry.motion import inverse
from m3depth.geometry.rebuilding import Source, TargetViews, brightened, rebuild_target
from m3depth.losses.video.objective import VideoObjective
from m3depth.matching.optical_flow import Flow, Flows
from m3depth.networks.contract import require_depth_maps
from m3depth.networks.video.intrinsics import Bounded, OneCamera
from m3depth.networks.video.solved_lens import SolvedLens
from m3depth.networks.video.solved_motion import Beside, NeedsDepth
from m3depth.systems.base import MakeOptimizer, MakeScheduler, System
from m3depth.systems.clip_batch import frames_of, ignored, left_alone, target_of
from m3depth.systems.frame_lens import solve_lens
from m3depth.systems.known_intrinsics import KnownIntrinsics, told
from m3depth.systems.turns import Turns
from m3depth.types import DepthMap, Kind, PairMotion, StereoBatch, StereoRig


class Looked(NamedTuple):
    """A frame of the clips, and what the depth network says of it."""

    frame: StereoBatch  # clean
    seen: Float[Tensor, "b 3 h w"]  # its left image as networks see it
    inverse: tuple[Float[Tensor, "b 1 _ _"], ...]  # its inverse depth, finest first; () unasked


class VideoDepth(System):
    """Learns depth, motion and K by rebuilding each clip's middle frame from the others."""

    needs: ClassVar[frozenset[str]] = frozenset({"left"})
    gives_motion = "motion"

    def __init__(
        self,
        network: nn.Module,
        motion: nn.Module,
        flow: nn.Module,
        brightness: nn.Module,
        turns: Turns,
        objective: VideoObjective,
        ignore: Ignore,
        augmentation: Augmentation,
        optimizer: MakeOptimizer,
        scheduler: MakeScheduler,
        depth_of_sources: bool = True,
        stereo: bool = False,
    ) -> None:
        """Wire the parts.

        Args:
            network: see `DepthNetwork`; of a kind that becomes inverse depth without a camera.
            motion: see `MotionNetwork`; one that `NeedsDepth` gets that of ``network``.
            flow: see `m3depth.networks.video.optical_flow`.
            brightness: see `m3depth.networks.video.brightness`.
            turns: which parts learn at a step, see `m3depth.systems.turns`.
            objective: pyramid of targets rebuilt from their sources to a loss.
            ignore: batch to the batch with what misleads the photometric terms marked.
            augmentation: clips to (clean clips, what the networks see).
            optimizer: see `System`.
            scheduler: see `System`.
            depth_of_sources: give the sources' depth, too, to terms that look at it.
            stereo: rebuild the target from its right view, too, at the rig's baseline, so that
                depth and motion are in mm; K is learned all the same.
        """
        super().__init__(optimizer, scheduler)
        _require_one_lens(motion, augmentation)
        self.network, self.motion, self.flow = network, motion, flow
        self.brightness, self.turns, self.objective = brightness, turns, objective
        self.ignore, self.augmentation = ignore, augmentation
        self.depth_of_sources, self.stereo = depth_of_sources, stereo
        self.known = KnownIntrinsics()
        if isinstance(motion, NeedsDepth):
            motion.share(network, flow)

    @property
    def monitors(self) -> list[str]:
        """The objective's terms, too."""
        return [*(f"val/{term}" for term in self.objective.terms), *super().monitors]

    def on_train_start(self) -> None:
        """A lens that is solved for is, once."""
        for lens in self.motion.modules():
            if isinstance(lens, SolvedLens) and not lens.solved:
                data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
                solve_lens(lens, self.ignore, data.train)

    def training_step(self, batch: StereoBatch, _: int) -> Tensor:
        """Mark what misleads, augment, predict, rebuild, compare."""
        clean, seen = self.augmentation(ignored(self._views(batch), self.ignore))
        losses = self.objective(self._rebuilt(clean, seen, self.global_step / self.steps))
        self.log_losses("train", losses, batch)
        return losses.total

    def on_before_optimizer_step(self, _: Any) -> None:
        """Parts whose turn it is not keep still."""
        self.turns(self, self.global_step)

    def validation_step(self, batch: StereoBatch, _: int) -> None:
        """The same on clean images; and the depth's error, where there is truth, for the log."""
        batch = ignored(self._views(batch), self.ignore)
        pyramid = self._rebuilt(batch, batch["left"], 1.0)
        self.log_losses("val", self.objective(pyramid), batch)
        self.known.add(pyramid[0])
        target = target_of(batch)
        self.log_depth(self._in_mm(pyramid[0].depth, target), target)

    def on_validation_epoch_end(self) -> None:
        """How well these clips tell K: one that they do not tell is no result, however it looks."""
        known = self.known.sum_up()
        if known is None:
            return
        for name, deviation in known._asdict().items():
            self.log(f"val/{name}_deviation", deviation.float(), sync_dist=True)
        learned = any(isinstance(one, Bounded) for one in self.motion.modules())
        self.doubt = told(known) if learned else ""

    def _rebuilt(self, clean: StereoBatch, seen: Tensor, progress: float) -> list[TargetViews]:
        """The target rebuilt from its sources, at each of the depth's scales, finest first."""
        frames = self._looked_at(frames_of(clean), seen)
        middle = len(frames) // 2
        target = frames[middle]
        sources = [self._source(one, target, later_is_source=False) for one in frames[:middle]]
        sources += [self._source(target, one, later_is_source=True) for one in frames[middle + 1 :]]
        if self.stereo:
            sources.append(self._right_view(target.frame, sources[0].target_camera))
        image, misleading = target.frame["left"], _misleading(target.frame)
        pyramid = [
            rebuild_target(image, misleading, one, tuple(sources), progress)
            for one in target.inverse
        ]
        return [
            brightened(views, [self.brightness(views.image, one) for one in views.rebuilt])
            for views in pyramid
        ]

    def _views(self, batch: StereoBatch) -> StereoBatch:
        """Without the right views, unless they are learned from.

        Raises:
            ConfigError: they are, and there are none.
        """
        if not self.stereo:
            return left_alone(batch)
        if "right" not in batch or not bool(batch["rig"].calibrated.all()):
            raise ConfigError(
                f"{batch['key'][0]}: system.stereo=true learns from right views and the rig's "
                "baseline, and this clip has none: choose stereo clips, or system.stereo=false"
            )
        return batch

    def _looked_at(self, frames: list[StereoBatch], seen: Tensor) -> list[Looked]:
        """Depth of the target and, where it is asked for, of its sources, in one pass."""
        asked = [len(frames) // 2]
        if self.depth_of_sources or isinstance(self.motion, NeedsDepth):
            asked = [*range(len(frames))]
        images = torch.cat([seen[:, index] for index in asked])
        pyramid = self.network(images)
        require_depth_maps(pyramid, images)
        scales = [_inverse_depth(depth).chunk(len(asked)) for depth in pyramid]
        found = dict(zip(asked, zip(*scales, strict=True), strict=True))
        return [
            Looked(frame, seen[:, index], found.get(index, ()))
            for index, frame in enumerate(frames)
        ]

    def _source(self, earlier: Looked, later: Looked, later_is_source: bool) -> Source:
        """Two neighbours, in the order of time, as a target and its source."""
        flows = self.flow(earlier.frame["left"], later.frame["left"])
        flows = Flows(_led(flows.there, earlier.frame), _led(flows.back, later.frame))
        motion = self._motion(earlier, later, flows)
        first, second = _cameras(motion, earlier.frame, later.frame)
        if later_is_source:
            return _as_source(later, motion.later_from_earlier, first, second, flows.there)
        return _as_source(earlier, inverse(motion.later_from_earlier), second, first, flows.back)

    def _motion(self, earlier: Looked, later: Looked, flows: Flows) -> PairMotion:
        """Of the networks' images; one that computes it from depth gets what is there."""
        if not isinstance(self.motion, NeedsDepth):
            found: PairMotion = self.motion(earlier.seen, later.seen)
            return found
        given = _given_cameras(earlier.frame, later.frame)
        here = Beside(earlier.seen, 1 / earlier.inverse[0], flows.there)
        there = Beside(later.seen, 1 / later.inverse[0], flows.back)
        return self.motion.between(here, there, given)

    def _right_view(self, target: StereoBatch, camera: StereoRig) -> Source:
        """The rig's baseline is a motion that is known, in mm; the rig's K is not used.

        It tells depth for whatever K there is, and nothing of K: without a gradient to K, what the
        motion tells of K is not drowned.
        """
        camera = StereoRig(*(one.detach() for one in camera))
        rig = target["rig"]
        right = camera._replace(cx=camera.cx - rig.principal_offset, baseline_mm=0 * camera.cx)
        left_from = torch.eye(4, device=camera.fx.device).repeat(len(camera.fx), 1, 1)
        left_from[:, 0, 3] = -rig.baseline_mm
        flow = _led(self.flow(target["left"], target["right"]).there, target)
        misleading = _misleading(target, view=1)
        return Source(target["right"], left_from, camera, right, misleading, *flow)

    def _in_mm(self, depth: Tensor, target: StereoBatch) -> Tensor:
        """As it is where a right view told mm; else scaled by the median to the truth, if any."""
        if self.stereo or "depth_mm" not in target or target["depth_mm"].shape != depth.shape:
            return depth
        known = target["depth_mm"] > 0
        ratio = torch.where(known, target["depth_mm"] / depth, torch.nan).flatten(1)
        return depth * ratio.nanmedian(1).values[:, None, None, None]


def _require_one_lens(motion: nn.Module, augmentation: object) -> None:
    """Half of the images mirrored would be another camera's, and one camera is learned."""
    mirror = getattr(augmentation, "mirror", 0.0)
    if mirror and any(isinstance(one, OneCamera | SolvedLens) for one in motion.modules()):
        raise ConfigError(
            f"augmentation.mirror={mirror}: a mirrored image has another principal point, and "
            "system.motion.intrinsics learns one for all images: give augmentation.mirror=0, or "
            "system/intrinsics@system.motion.intrinsics=per_frame"
        )


def _as_source(
    source: Looked, motion: Tensor, target_camera: StereoRig, camera: StereoRig, flow: Flow
) -> Source:
    own = source.inverse[0] if source.inverse else None
    return Source(
        image=source.frame["left"],
        source_from_target=motion,
        target_camera=target_camera,
        camera=camera,
        ignore=_misleading(source.frame),
        flow_px=flow.px,
        trusted=flow.trusted,
        inverse_depth=own,
    )


def _cameras(
    motion: PairMotion, earlier: StereoBatch, later: StereoBatch
) -> tuple[StereoRig, StereoRig]:
    """Learned, or else given."""
    if motion.cameras is not None:
        first, second = (StereoRig(*(one[:, i] for one in motion.cameras)) for i in (0, 1))
        return first, second
    given = _given_cameras(earlier, later)
    if given is None:
        raise ConfigError(
            "system.motion: it learns no intrinsics, and these frames have none: choose "
            "system.motion.intrinsics, or data with a rig"
        )
    return given


def _given_cameras(earlier: StereoBatch, later: StereoBatch) -> tuple[StereoRig, StereoRig] | None:
    return (earlier["rig"], later["rig"]) if "rig" in earlier else None


def _inverse_depth(depth: DepthMap) -> Float[Tensor, "b 1 h w"]:
    """Raises DataError where only a camera would tell depth."""
    return depth.to(Kind.INVERSE_DEPTH).values.float()


def _led(flow: Flow, frame: StereoBatch) -> Flow:
    """Not trusted where a highlight or a border may have led it."""
    misleading = _misleading(frame)
    return flow if misleading is None else flow._replace(trusted=flow.trusted & (misleading < 0.5))


def _misleading(frame: StereoBatch, view: int = 0) -> Float[Tensor, "b 1 h w"] | None:
    if "ignore" not in frame or frame["ignore"].shape[1] <= view:
        return None
    return frame["ignore"][:, view : view + 1].to(frame["left"])
