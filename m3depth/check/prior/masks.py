"""Masks that are read the wrong way round, or not as masks."""

from collections.abc import Iterator

import numpy as np

from m3depth.check.finding import Finding, Severity
from m3depth.priors.layouts.scene import PriorScene

NAMED = 6  # values


def mask_values(scene: PriorScene) -> Iterator[Finding]:
    """Masks that are not one channel of 0 and 255, for readers that want them so."""
    if not scene.habits.binary_masks:
        return
    masked = [(f.name, f.mask) for f in scene.frames if f.mask is not None]
    layered = [name for name, mask in masked if mask.ndim == 3]
    if layered:
        yield Finding(
            "mask_channels",
            Severity.ERROR,
            f"{len(layered)} of {len(masked)} masks have several channels",
            "save masks as grey pictures of one channel",
            {"frames": float(len(layered))},
            tuple(layered),
        )
    odd = [name for name, mask in masked if not np.isin(mask, (0, 255)).all()]
    if odd:
        values = np.unique(np.concatenate([np.unique(mask) for _, mask in masked]))
        yield Finding(
            "mask_values",
            Severity.ERROR,
            f"masks hold {', '.join(map(str, values[:NAMED]))}"
            + (" ..." if len(values) > NAMED else "")
            + "; this reader divides by 255 and takes all but 0 for 1, so that they do nothing",
            "save masks of 0 and 255, without smooth edges",
            {"frames": float(len(odd))},
            tuple(odd),
        )


def polarity(scene: PriorScene, least_used: float = 0.3) -> Iterator[Finding]:
    """Masks that keep what they should leave out.

    Pixels of unknown depth tell, as no mask keeps them on purpose; else the share that is left.

    Args:
        scene: As the reader has it.
        least_used: Share of the pixels that any scene uses.
    """
    masked = [frame for frame in scene.frames if frame.mask is not None]
    if not masked:
        return
    used = np.concatenate([frame.used.ravel() for frame in masked])
    known = np.concatenate([(frame.stored_depth > 0).ravel() for frame in masked])
    share = float(used.mean())
    unknown, of_known = (float(used[k].mean()) if k.any() else 0.5 for k in (~known, known))
    inverted = scene.habits.binary_masks and unknown > 0.5 > of_known
    if inverted or share < least_used:
        yield Finding(
            "polarity",
            Severity.ERROR,
            f"the masks leave {share:.0%} of the pixels to this reader"
            + (", and those are the ones without depth" if inverted else "")
            + ": tissue for tool",
            "invert the masks (255 - value), or choose the target that reads them so",
            {"used_share": share, "used_of_unknown_share": unknown},
        )


def nothing_masked(scene: PriorScene) -> Iterator[Finding]:
    """Masks that leave out nothing, for a reader that divides by what they do."""
    if scene.habits.needs_a_mask and scene.frames and all(f.used.all() for f in scene.frames):
        yield Finding(
            "nothing_masked",
            Severity.WARNING,
            f"the masks leave out nothing, and {scene.habits.name} divides by the sum of what "
            "they do (ray_sampling_importance_from_masks): NaN, and rays of one pixel",
            "give masks of the tools with the data, or set no_mask_raycast = True in its "
            "configuration",
        )


def colours_under_masks(scene: PriorScene) -> Iterator[Finding]:
    """Colours that a mask leaves out, for a reader that compares them with black."""
    if not scene.habits.compares_masked:
        return
    kept = {f.name: float(f.image[~f.used].mean()) for f in scene.frames if not f.used.all()}
    coloured = [name for name, grey in kept.items() if grey > 0]
    if coloured:
        worst = max(coloured, key=lambda name: kept[name])
        yield Finding(
            "masked_colours",
            Severity.WARNING,
            f"{len(coloured)} images have colours under the masks (a mean of {kept[worst]:.0f} "
            f"of 255 in {worst}), and {scene.habits.name} compares them with black",
            "export again to an empty folder, which makes them black",
            {"grey": kept[worst]},
            tuple(coloured),
        )


def revived(scene: PriorScene, share: float = 1e-4) -> Iterator[Finding]:
    """Unknown depth that no mask leaves out, for readers that turn it into some depth.

    Args:
        scene: As the reader has it.
        share: Of the pixels, from which on it is said.
    """
    if not scene.habits.revives_unknown:
        return
    seen = [f for f in scene.frames if (f.depth > 0).any()]  # the others are left out whole
    shares = {f.name: float((f.used & (f.stored_depth == 0)).mean()) for f in seen}
    typical = float(np.mean(list(shares.values()))) if shares else 0.0
    if typical >= share:
        yield Finding(
            "revived",
            Severity.ERROR,
            f"{typical:.1%} of the pixels have no depth and are not left out: this reader turns "
            "0 into a depth of the scene's near or far end",
            "leave them out in the masks, as `m3depth export` does",
            {"share": typical},
            tuple(sorted((n for n in shares if shares[n] > 0), key=lambda n: -shares[n])),
        )
