"""Every layout's writer, with an independent reader of what it writes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scene_readers as readers
from prior_scenes import endonerf

from m3depth.geometry import poses
from m3depth.priors.layouts.colmap.layout import ColmapLayout
from m3depth.priors.layouts.endo4dgs import Endo4DGSLayout
from m3depth.priors.layouts.endogaussian_mono import EndoGaussianMonoLayout
from m3depth.priors.layouts.endonerf import consumers
from m3depth.priors.layouts.endonerf.layout import EndoNeRFLayout
from m3depth.priors.layouts.graphdeco.layout import GraphdecoLayout
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.nerfstudio.layout import NerfstudioLayout
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.ply import PlyLayout
from m3depth.priors.layouts.writer import SceneWriter, scene_writer


class Consumed(NamedTuple):
    write: Callable[[Path], SceneWriter]
    read: readers.Reader
    world: np.ndarray | None = None  # of the first camera, to this; None is the data's own


def of(layout: type[Layout], **options: object) -> Callable[[Path], SceneWriter]:
    return partial(scene_writer, layout=layout, **options)


WRITERS = {
    "endonerf": Consumed(
        endonerf,
        readers.endonerf(readers.flipped),
        readers.WORLDS[readers.flipped],
    ),
    "endonerf_itself": Consumed(
        endonerf,
        readers.endonerf_itself,
        readers.WORLDS[readers.flipped],
    ),
    "endonerf_opencv": Consumed(
        of(EndoNeRFLayout, pose_convention=poses.opencv()),
        readers.endonerf(readers.as_it_is),
        readers.WORLDS[readers.as_it_is],
    ),
    "gsharp": Consumed(
        lambda d: scene_writer(
            d, EndoNeRFLayout, pose_convention=poses.gsharp(), readers=[consumers.gsharp()]
        ),
        readers.endonerf(readers.permuted, at=0.5),
        readers.WORLDS[readers.permuted],
    ),
    "endogaussian_mono": Consumed(
        lambda d: scene_writer(
            d, EndoGaussianMonoLayout, pose_convention=poses.opencv(), near_mm=30.0
        ),
        readers.endogaussian_mono(75.0),
        readers.WORLDS[readers.as_it_is],
    ),
    "endo4dgs": Consumed(
        of(Endo4DGSLayout, pose_convention=poses.opengl()),
        readers.endo4dgs,
        readers.WORLDS[readers.flipped],
    ),
    "nerfstudio": Consumed(of(NerfstudioLayout), readers.nerfstudio),
    "nerfstudio_png": Consumed(of(NerfstudioLayout, png=True), readers.nerfstudio),
    "colmap": Consumed(of(ColmapLayout), readers.colmap(readers.colmap_binary)),
    "colmap_text": Consumed(of(ColmapLayout, text=True), readers.colmap(readers.colmap_text)),
    "graphdeco": Consumed(of(GraphdecoLayout), readers.graphdeco),
    "npz": Consumed(of(NpzLayout), readers.npz),
}
MAKERS = {name: one.write for name, one in WRITERS.items()}
MAKERS["ply"] = of(PlyLayout)  # points, and no pixels to be read
