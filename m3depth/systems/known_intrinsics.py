"""Whether the clips of a validation tell K at all, which a plausible number does not say."""

import torch
from torch import Tensor

from m3depth.geometry.identifiability import (
    LEAST_KNOWN,
    Uncertainty,
    View,
    information,
    uncertainty,
)
from m3depth.geometry.rebuilding import Rebuilt, TargetViews


class KnownIntrinsics:
    """Adds up what each batch's flows say of K, and how well the model explains them."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.found: list[Tensor] = []  # (3, 3) each
        self.square_px: list[Tensor] = []
        self.width = 1

    def add(self, views: TargetViews) -> None:
        """A batch's targets, at the finest scale; sources without a flow tell nothing."""
        seen = [one for one in views.rebuilt if one.source.flow_px is not None]
        if not seen:
            return
        self.width = views.image.shape[-1]
        self.found.append(information(views.depth, [_view(one) for one in seen]).sum(0))
        self.square_px.extend(_square_px(one) for one in seen)

    def sum_up(self) -> Uncertainty | None:
        """Of all batches since the last time; None where there was no flow."""
        if not self.found:
            return None
        error_px = torch.stack(self.square_px).mean().sqrt()
        known = uncertainty(torch.stack(self.found).sum(0), error_px, self.width)
        self.found, self.square_px = [], []
        return known


def told(known: Uncertainty) -> str:
    """One line for the report where K is not identifiable; "" where it is."""
    if known.identifiable:
        return ""
    focal, cx, cy = (f"{100 * float(one):.0f} %" for one in known)
    return (
        "K is not identifiable from these clips: by the curvature of the reprojection error the "
        f"focal length is uncertain by {focal}, cx by {cx} and cy by {cy} of the width (limit "
        f"{100 * LEAST_KNOWN:.0f} %): do not use the K that was learned; the camera must "
        "turn, or K be given (system.motion.intrinsics=null)"
    )


def _view(one: Rebuilt) -> View:
    source = one.source
    return View(source.source_from_target, source.target_camera, source.camera, _compared(one))


def _compared(one: Rebuilt) -> Tensor:
    trusted = one.source.trusted
    return one.landing.visible if trusted is None else one.landing.visible & trusted


def _square_px(one: Rebuilt) -> Tensor:
    """The median, for one axis: a few wrong flows are no measure of the others."""
    flow = one.source.flow_px
    away = (one.landing.flow_px() - (0.0 if flow is None else flow)).square().mean(1, keepdim=True)
    compared = _compared(one)
    typical = torch.where(compared, away, torch.nan).nanmedian()
    return typical.nan_to_num(1.0).double()
