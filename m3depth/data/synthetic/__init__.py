"""The built-in stereo endoscope: rendered scenes of which everything is known."""

from m3depth.data.synthetic.clip import SyntheticClip, SyntheticClips
from m3depth.data.synthetic.pairs import SyntheticPairs
from m3depth.data.synthetic.rendering import Rendering, render
from m3depth.data.synthetic.styles import LIVER, PELVIS, Palette, Style

__all__ = [
    "LIVER",
    "PELVIS",
    "Palette",
    "Rendering",
    "Style",
    "SyntheticClip",
    "SyntheticClips",
    "SyntheticPairs",
    "render",
]
