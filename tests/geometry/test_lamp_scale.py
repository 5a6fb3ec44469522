"""The lamp's scale on built-in clips, whose light is exact."""

from functools import cache
from typing import Any

import pytest
import torch

from m3depth.data.synthetic.clip import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.data.synthetic.rendering import Rendering
from m3depth.data.synthetic.shading import Light
from m3depth.geometry.lamp_scale import Lamp, LampScale, lamp_scale
from m3depth.types import StereoRig


@cache
def rendered(index: int) -> tuple[Rendering, Light]:
    """Frames without noise and highlights, and the lamp."""
    plain = {"deforming": False, "tools": False, "highlights": False, "noise": False}
    moving = Moving(zoom=(0.3, 0.3))
    clip = SyntheticClip("train", index, 41, (128, 160), path=moving, cache=False, **plain)
    return clip.render(range(0, 40, 6)), clip.scene.light


def found(index: int, factor: float, **changes: Any) -> LampScale:
    """By depth and path divided by ``factor``."""
    frames, light = rendered(index)
    known = {"offset_mm": tuple(light.offset_mm.tolist()), "gamma": float(light.gamma)}
    known |= {"cone": float(light.cone), "ambient": float(light.ambient) / 2}
    known |= {"vignetting": float(light.vignetting)}
    here, there = slice(0, 5), slice(2, 7)
    motion = torch.linalg.inv(frames.camera_to_world[there].double())
    motion = (motion @ frames.camera_to_world[here].double()).float()
    motion[:, :3, 3] /= factor
    return lamp_scale(
        (frames.image.left[here], frames.image.left[there]),
        frames.depth_mm.left[here] / factor,
        motion,
        (StereoRig(*(one[here] for one in frames.rig)), StereoRig(*(o[there] for o in frames.rig))),
        Lamp(**(known | changes)),
    )


@pytest.mark.parametrize(("index", "factor"), [(0, 1.0), (0, 2.5), (1, 0.4)])
def test_a_lamp_beside_the_lens_tells_millimetres(index: int, factor: float):
    scale = found(index, factor)
    assert float(scale.factor) == pytest.approx(factor, rel=0.05)
    assert scale.sharpness > 0.1


def test_a_lamp_at_the_lens_tells_nothing():
    assert found(0, 1.0, offset_mm=(0.0, 0.0, 0.0)).sharpness < 1e-3
