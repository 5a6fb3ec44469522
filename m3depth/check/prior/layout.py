"""Files that are missing, in the wrong order or from another export; metadata that do not fit."""

import re
from collections.abc import Iterator
from pathlib import Path

from m3depth.check.finding import Finding, Severity
from m3depth.priors import records
from m3depth.priors.layouts.scene import PriorScene
from m3depth.priors.layouts.stated import contradiction

NAMED = 8  # files


def half_written(scene: PriorScene) -> Iterator[Finding]:
    """An export of ours that has not come to its end."""
    if records.half_written(scene.folder):
        frames = records.record_paths(scene.folder)
        yield Finding(
            "half_written",
            Severity.ERROR,
            f"{len(frames)} frames are written and depth_meta.json is not: the export was stopped",
            "give the same export command again; it goes on where it stopped",
            {"frames": float(len(frames))},
        )


def counts(scene: PriorScene) -> Iterator[Finding]:
    """Folders of different lengths, or of other frames."""
    lengths = _lengths(scene)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{length} in {kind}" for kind, length in lengths.items())
        lone = _lone(scene)
        yield Finding(
            "counts",
            Severity.ERROR,
            f"not as many of each: {told}"
            + (f"; without partners: {', '.join(lone[:NAMED])}" if lone else ""),
            "remove these frames everywhere, the rows of the poses too, or export again",
            {f"{kind.replace('/', '_')}": float(n) for kind, n in lengths.items()},
            tuple(lone),
        )


def _lengths(scene: PriorScene) -> dict[str, int]:
    lengths = {kind: len(files) for kind, files in scene.files.items()}
    return lengths if scene.poses is None else {**lengths, "poses": len(scene.poses)}


def _lone(scene: PriorScene) -> list[str]:
    stems = [{path.name.split(".")[0] for path in files} for files in scene.files.values()]
    return sorted(set[str]().union(*stems) - stems[0].intersection(*stems)) if stems else []


def of_another_scene(scene: PriorScene) -> Iterator[Finding]:
    """Metadata that are not this folder's: files that were lost, or copied together."""
    lengths, meta = set(_lengths(scene).values()), scene.meta
    if not meta or len(lengths) > 1:  # `counts` says so
        return
    size = tuple(meta.get("size", ()))
    sizes = {frame.name: frame.image.shape for frame in scene.frames}
    others = [] if meta.get("K_varies") else [n for n, one in sizes.items() if one != size]
    lost = lengths - {meta.get("frames")}
    if lost or others:
        here = f"{lost.pop()} frames" if lost else f"other sizes: {', '.join(others[:NAMED])}"
        yield Finding(
            "of_another_scene",
            Severity.ERROR,
            f"depth_meta.json is of {meta.get('frames')} frames of {size} (height, width), "
            f"here are {here}",
            "give the same export command again, which writes what is lost; or copy the scene "
            "anew, with the depth_meta.json that belongs to it",
            frames=tuple(others),
        )


def stated_kind(scene: PriorScene) -> Iterator[Finding]:
    """Kind, scale and unit of the depth, by our own word."""
    if not scene.kind or not scene.meta:
        return
    against = contradiction(scene.meta, scene.kind)
    if against:
        yield Finding(
            "stated_kind",
            Severity.ERROR,
            f"depth_meta.json {against}",
            "export the scene again, with this target's writer",
        )
    elif "kind" not in scene.meta:
        yield Finding(
            "stated_kind",
            Severity.WARNING,
            f"depth_meta.json does not say what its numbers are; {scene.kind} is read",
            "export the scene again, which says so",
        )


def skipped_frames(scene: PriorScene) -> Iterator[Finding]:
    """Frames that the export could not have, and what becomes of the others' time."""
    skipped = list(scene.meta.get("skipped", {}))
    if not skipped:
        return
    late = _after_gaps(scene) if scene.habits.counts_time else []
    mend = "give the same export command again: it tries them anew"
    if late:
        told = (
            "and this reader takes a frame's place among the files for its time: from "
            f"{late[0]} on, all come too early"
        )
        mend += "; if they are lost, export what is before and after each as another scene"
    else:
        told = "which leaves the times of the others as they are"
    yield Finding(
        "skipped_frames",
        Severity.WARNING,
        f"{len(skipped)} frames were skipped ({', '.join(skipped[:NAMED])}), {told}",
        mend,
        {"frames": float(len(skipped)), "moved": float(len(late))},
        tuple(skipped),
    )


def _after_gaps(scene: PriorScene) -> list[str]:
    """The files that stand nearer to the first one than their number says."""
    names = [path.name for path in next(iter(scene.files.values()), ())]
    numbers = [_numbers(Path(name))[0][0] for name in names]
    pairs = zip(names, numbers, strict=True)
    return [name for index, (name, number) in enumerate(pairs) if number - numbers[0] > index]


def sort_order(scene: PriorScene) -> Iterator[Finding]:
    """Names whose order as text is not the order of their numbers."""
    for kind, files in scene.files.items():
        by_number = sorted(files, key=_numbers)
        wrong = [one.name for one, two in zip(files, by_number, strict=True) if one != two]
        if wrong:
            yield Finding(
                "sort_order",
                Severity.ERROR,
                f"{kind}: readers sort names as text, which puts {files[0].name}, "
                f"{files[1].name}, {files[2].name} first: frames and poses get mixed up",
                "pad the numbers with zeros: 000001.png",
                {"moved": float(len(wrong))},
                tuple(wrong),
            )
            return


def _numbers(path: Path) -> list[tuple[int, str]]:
    """Digits by their value, the rest as text."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
