"""What a program needs of a scene and does not find: `export` and `check` both tell it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.written import Poses, WrittenScene
from m3depth.priors.sound import Fault

STILL_MM = 1e-3
NAMED = 3  # frames
NO_NDC = "set no_ndc = True in its configuration (target.habits.no_ndc=true for check)"


def unmet_by(scene: WrittenScene, poses_mm: Poses, habits: Habits) -> Iterator[Fault]:
    """All that can be known once a scene is written; the poses are as the program reads them.

    A need is sure where the program cannot read the scene, or reads another one, whatever its
    options.
    """
    yield from wrong_size(habits, scene.size)
    yield from path_words(habits, scene.folder)
    yield from still_camera(habits, poses_mm)
    yield from outside_ndc(habits, poses_mm)
    yield from without_depth(habits, scene.without_depth, scene.keys)
    yield from untracked(habits, scene.without_depth, len(scene.records))


def wrong_size(habits: Habits, size: tuple[int, int]) -> Iterator[Fault]:
    """Images of another size than the one that is written into the program's code."""
    only, (height, width) = habits.size, size
    if only is not None and (height, width) != tuple(only):
        yield Fault(
            "image_size",
            f"images are {width}x{height}, and {only[1]}x{only[0]} is in the code of "
            f"{habits.name}: another size stops it, or is trained with a wrong field of view",
            f"export with writer.size=[{only[0]},{only[1]}]",
            True,
            {"width_px": float(width), "height_px": float(height)},
        )


def path_words(habits: Habits, folder: Path) -> Iterator[Fault]:
    """Words in the scene's path that the program acts on."""
    path = str(folder.resolve())
    if habits.path_with not in path:
        yield Fault(
            "path_words",
            f"the scene's path lacks `{habits.path_with}`, by which {habits.name} knows the layout",
            "move the scene to a path with it",
            True,
        )
    for words, stops in ((habits.path_stops, True), (habits.path_without, False)):
        for word in (word for word in words if word in path):
            yield Fault(
                "path_words",
                f"the scene's path holds `{word}`, by which {habits.name} chooses what it reads",
                "move the scene to a path without it",
                stops,
            )


def still_camera(habits: Habits, poses_mm: Poses) -> Iterator[Fault]:
    """A camera that stands still, for a program that divides by how far it moves."""
    travel_mm = travelled(poses_mm)
    if habits.still is not None and travel_mm < STILL_MM:
        yield Fault(
            "still_camera",
            f"the camera stands still: {habits.name} cannot fit that as it is: {habits.still.why}",
            habits.still.mend,
            habits.still.stops,
            {"travel_mm": travel_mm},
        )


def outside_ndc(habits: Habits, poses_mm: Poses) -> Iterator[Fault]:
    """Cameras that rays in normalised device coordinates cannot show.

    They hold what a camera sees that is the identity in the file, from a plane at 1 on: one that
    looks the other way is mirrored, and the depths of one that moves name other points.
    """
    if not habits.ndc:
        return
    travel_mm = travelled(poses_mm)  # NaN where poses are none, which others say
    turned = float(np.abs(poses_mm[:, :3, :3] - poses_mm[:1, :3, :3]).max()) > STILL_MM
    if travel_mm >= STILL_MM or turned:
        yield Fault(
            "ndc_moves",
            f"the camera moves (by {travel_mm:.3g} mm), and in NDC rays, the default of "
            f"{habits.name}, each frame's depth names other points",
            NO_NDC,
            False,
            {"travel_mm": travel_mm},
        )
    elif bool((poses_mm[:, 2, 2] <= 0).any()):
        yield Fault(
            "ndc_backwards",
            "the camera stands still, but is not the identity: it looks along +z of the world, and "
            f"in NDC rays, the default of {habits.name}, the picture is mirrored",
            f"export again, which makes a still camera the identity; or {NO_NDC}",
            True,
        )


def without_depth(habits: Habits, names: Sequence[str], frames: Sequence[str]) -> Iterator[Fault]:
    """Frames without any depth, for a program that takes percentiles or all of its points of it."""
    if habits.needs_first_depth and frames[0] in names:
        yield Fault(
            "no_depth",
            f"the first frame ({frames[0]}) has no depth, and {habits.name} takes its initial "
            "points from it: it stops without any",
            "take this frame out of the data and export again",
            True,
            {"frames": float(len(names))},
            tuple(names),
        )
    if habits.needs_depth and names:
        told = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
        yield Fault(
            "no_depth",
            f"{len(names)} of {len(frames)} frames have no depth ({told}), and {habits.name} stops "
            "at the first (IndexError: it takes percentiles of the depths that are not 0)",
            "take these frames out of the data and export again",
            True,
            {"frames": float(len(names))},
            tuple(names),
        )


def untracked(habits: Habits, names: Sequence[str], frames: int) -> Iterator[Fault]:
    """Images of a model in which no point is seen, for a program that asks which are."""
    if habits.needs_tracks and names:
        told = f"{', '.join(names[:NAMED])}" + (", ..." if len(names) > NAMED else "")
        yield Fault(
            "no_tracks",
            f"no point of the model is seen in {len(names)} of {frames} images ({told}): with "
            f"--depth_loss {habits.name} stops there (KeyError)",
            "export again; frames without any depth must be taken out of the data, or train "
            "without --depth_loss",
            True,
            {"frames": float(len(names))},
            tuple(names),
        )


def travelled(poses: Poses) -> float:
    """The largest distance from the mean position along an axis, in the poses' unit."""
    places = poses[:, :3, 3]
    return float(np.abs(places - places.mean(axis=0)).max())
