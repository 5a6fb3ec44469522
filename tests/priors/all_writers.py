"""Every layout's writer, with an independent reader of what it writes."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scene_readers as readers

from m3depth.geometry import poses
from m3depth.priors import consumers
from m3depth.priors.layouts.colmap.layout import ColmapWriter
from m3depth.priors.layouts.endo4dgs import Endo4DGSWriter
from m3depth.priors.layouts.endogaussian_mono import EndoGaussianMonoWriter
from m3depth.priors.layouts.endonerf.layout import EndoNeRFWriter
from m3depth.priors.layouts.graphdeco.layout import GraphdecoWriter
from m3depth.priors.layouts.nerfstudio.layout import NerfstudioWriter
from m3depth.priors.layouts.npz.layout import NpzWriter
from m3depth.priors.layouts.writer import SceneWriter


class Consumed(NamedTuple):
    write: Callable[[Path], SceneWriter]
    read: readers.Reader
    world: np.ndarray | None = None  # of the first camera, to this; None is the data's own


WRITERS = {
    "endonerf": Consumed(
        lambda d: EndoNeRFWriter(d, poses.opengl()),
        readers.endonerf(readers.flipped),
        readers.WORLDS[readers.flipped],
    ),
    "endonerf_itself": Consumed(
        lambda d: EndoNeRFWriter(d, poses.opengl()),
        readers.endonerf_itself,
        readers.WORLDS[readers.flipped],
    ),
    "endonerf_opencv": Consumed(
        lambda d: EndoNeRFWriter(d, poses.opencv()),
        readers.endonerf(readers.as_it_is),
        readers.WORLDS[readers.as_it_is],
    ),
    "gsharp": Consumed(
        lambda d: EndoNeRFWriter(d, poses.gsharp(), readers=[consumers.gsharp()]),
        readers.endonerf(readers.permuted, at=0.5),
        readers.WORLDS[readers.permuted],
    ),
    "endogaussian_mono": Consumed(
        lambda d: EndoGaussianMonoWriter(d, poses.opencv(), near_mm=30.0),
        readers.endogaussian_mono(75.0),
        readers.WORLDS[readers.as_it_is],
    ),
    "endo4dgs": Consumed(
        lambda d: Endo4DGSWriter(d, poses.opengl()),
        readers.endo4dgs,
        readers.WORLDS[readers.flipped],
    ),
    "nerfstudio": Consumed(NerfstudioWriter, readers.nerfstudio),
    "nerfstudio_png": Consumed(lambda d: NerfstudioWriter(d, png=True), readers.nerfstudio),
    "colmap": Consumed(ColmapWriter, readers.colmap(readers.colmap_binary)),
    "colmap_text": Consumed(
        lambda d: ColmapWriter(d, text=True), readers.colmap(readers.colmap_text)
    ),
    "graphdeco": Consumed(GraphdecoWriter, readers.graphdeco),
    "npz": Consumed(NpzWriter, readers.npz),
}
