"""Every layout's writer, with an independent reader of what it writes."""

import scene_readers as readers

from m3depth.priors import poses
from m3depth.priors.writers.colmap import ColmapWriter
from m3depth.priors.writers.endo4dgs import Endo4DGSWriter
from m3depth.priors.writers.endogaussian_mono import EndoGaussianMonoWriter
from m3depth.priors.writers.endonerf import EndoNeRFWriter
from m3depth.priors.writers.graphdeco import GraphdecoWriter
from m3depth.priors.writers.nerfstudio import NerfstudioWriter
from m3depth.priors.writers.npz import NpzWriter

WRITERS = {
    "endonerf": (lambda d: EndoNeRFWriter(d, poses.opengl()), readers.endonerf(readers.flipped)),
    "endonerf_opencv": (
        lambda d: EndoNeRFWriter(d, poses.opencv()),
        readers.endonerf(readers.as_it_is),
    ),
    "gsharp": (lambda d: EndoNeRFWriter(d, poses.gsharp()), readers.endonerf(readers.permuted)),
    "endogaussian_mono": (
        lambda d: EndoGaussianMonoWriter(d, poses.opencv(), near_mm=30.0),
        readers.endogaussian_mono(75.0),
    ),
    "endo4dgs": (lambda d: Endo4DGSWriter(d, poses.opengl()), readers.endo4dgs),
    "nerfstudio": (NerfstudioWriter, readers.nerfstudio),
    "nerfstudio_png": (lambda d: NerfstudioWriter(d, png=True), readers.nerfstudio),
    "colmap": (ColmapWriter, readers.colmap(readers.colmap_binary)),
    "colmap_text": (lambda d: ColmapWriter(d, text=True), readers.colmap(readers.colmap_text)),
    "graphdeco": (GraphdecoWriter, readers.graphdeco),
    "npz": (NpzWriter, readers.npz),
}
