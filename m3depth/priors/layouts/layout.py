"""What a pipeline layout says about itself; `SceneWriter` does the rest."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

from m3depth.priors.layouts.frame import DepthMeta, Map, Mask, SceneFrame
from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.written import Poses, WrittenScene
from m3depth.priors.prior import DepthPrior
from m3depth.priors.records import Record


@dataclass
class Layout(ABC):
    """The files of a scene and what their numbers mean.

    A layout must say `files` and `meta`. What else it may say has a default that suits one that
    holds any camera and any depth.

    Args:
        readers: The programs that the scene is for, the one whose camera is written first. What
            they need and will not find is told at the end, and noted in the metadata.

    Attributes:
        rounds: Whether the layout's own files lose something of the depth.
    """

    readers: Sequence[Habits] = field(default=(), kw_only=True)
    rounds: bool = field(default=True, init=False)

    one_camera: ClassVar[bool] = True  # whether all frames must have one size and K
    revision: ClassVar[int] = 0  # one more when a frame's files change: earlier ones are not kept

    @abstractmethod
    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """A frame's files: path below the scene (``FOLDER/NAME.SUFFIX``) to content."""

    @abstractmethod
    def meta(self) -> DepthMeta:
        """What the numbers mean."""

    def scene(self, scene: WrittenScene) -> Mapping[str, Any]:
        """The files that belong to no single frame, once all frames are there."""
        return {}

    def scene_names(self) -> tuple[str, ...]:
        """The paths of those files below the scene."""
        return ()

    def misplaced(self, folder: Path) -> str:
        """Why the layout's readers would not find the scene in this folder; "" where they do."""
        return ""

    def fitted(self, prior: DepthPrior) -> tuple[DepthPrior, Record]:
        """The prior in a shape that the layout can express, and what was done to it."""
        return prior, {}

    def holds(self, depth_mm: Map) -> Mask:
        """Where the layout can express the depth."""
        return depth_mm > 0

    def camera(self, frame: SceneFrame) -> Record:
        """Size and K for the metadata; frames of one scene are compared by it."""
        return {"size": list(frame.size), "K": frame.K.tolist()}

    def read_poses(self, scene: WrittenScene) -> Poses:
        """Camera-to-world as the readers will have it, in mm and OpenCV's axes and world."""
        return scene.poses

    @property
    def writer(self) -> str:
        """The writer's name in ``depth_meta.json``."""
        return type(self).__name__.removesuffix("Layout") + "Writer"

    def settings(self) -> Record:
        """All options but the readers."""
        names = [one.name for one in fields(self) if one.init and one.name != "readers"]
        revision = {"revision": self.revision} if self.revision else {}
        return {name: getattr(self, name) for name in names} | revision
