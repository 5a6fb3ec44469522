"""What can be said about gsplat's backend without its device."""

import inspect
import sys
from dataclasses import replace
from types import ModuleType

import gsplat
import pytest
import torch
from splat_scenes import NAMES, camera, one

from m3depth.errors import ConfigError
from m3depth.splatting.rasteriser import gsplat_backend
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.profiles import GSPLAT, INRIA
from m3depth.splatting.rasteriser.rasterize import rasterize

VIEW = camera((8, 10), 4.0, 3.0)


def single(gaussians: Gaussians) -> Gaussians:
    return Gaussians(*(getattr(gaussians, name).float() for name in NAMES))


def test_where_it_cannot_be_one_line_says_what_to_use():
    for scene, profile, told in (
        (single(one()), INRIA, "profile GSPLAT"),
        (single(one()), GSPLAT, "CUDA, not torch.float32 on cpu"),
        (one(), GSPLAT, "not torch.float64"),
    ):
        with pytest.raises(ConfigError, match=told) as caught:
            rasterize(scene, VIEW, profile=profile, backend=gsplat_backend.draw)
        assert "own_backend.draw" in str(caught.value)
        assert "\n" not in str(caught.value)


class Elsewhere(torch.Tensor):
    """Says that it is on a GPU."""

    is_cuda = True


def on_gpu(gaussians: Gaussians) -> Gaussians:
    return replace(gaussians, means_mm=gaussians.means_mm.as_subclass(Elsewhere))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "gsplat", None)
    with pytest.raises(ConfigError, match=r"pip install 'm3depth\[gsplat\]'"):
        gsplat_backend.draw(on_gpu(single(one())), VIEW, GSPLAT)


def test_what_it_passes_on_and_gets_back(monkeypatch: pytest.MonkeyPatch):
    """A stand-in with gsplat's shapes: its half pixel, its near plane, its channels."""
    seen, takes = {}, inspect.signature(gsplat.rasterization)

    def rasterization(**arguments):
        takes.bind(**arguments)
        seen.update(arguments)
        channels = torch.arange(4.0).expand(1, 8, 10, 4)
        meta = {"radii": torch.tensor([[[3, 5]]]), "means2d": torch.zeros(1, 1, 2)}
        return channels, torch.full((1, 8, 10, 1), 0.5), meta

    package = ModuleType("gsplat")
    monkeypatch.setattr(package, "rasterization", rasterization, raising=False)
    monkeypatch.setitem(sys.modules, "gsplat", package)
    near = replace(GSPLAT, near_mm=5.0, blur_px2=0.1)
    view = Camera(VIEW.intrinsics.float(), VIEW.world_to_camera.float(), VIEW.size)
    drawing = gsplat_backend.draw(on_gpu(single(one())), view, near)
    assert drawing.colour.shape == (3, 8, 10)
    assert [picture[0, 0, 0].item() for picture in drawing[:3]] == [0, 3, 0.5]
    assert drawing.aux.visible.tolist() == [True]
    assert drawing.aux.radii_px.tolist() == [5]
    assert seen["Ks"][0].tolist() == [[40, 0, 4.5], [0, 40, 3.5], [0, 0, 1]]
    assert view.intrinsics[0, 2] == 4  # the camera's own stays
    assert (seen["near_plane"], seen["eps2d"], seen["width"], seen["height"]) == (5, 0.1, 10, 8)
    assert seen["render_mode"] == "RGB+D"
