"""Metric depth from one laparoscope image, learned from stereo pairs without depth labels.

``m3depth.load(checkpoint, rig=...)`` gives a predictor; ``predict(image)`` takes a path, PIL's
image, a NumPy array or a torch tensor, or a list of them, and gives a `DepthPrior` for each::

    predict = m3depth.load("RUN/checkpoints/best.ckpt", rig="rig.yaml")
    prior = predict("frame.png")
    prior.depth_mm  # (1, h, w), millimetres along z, 0 = unknown
    prior.confidence  # (1, h, w), the probability of being right to within 2 mm

Arrays are RGB, of 8 or 16 bits or floats from 0 to 1, with channels first or last. Nothing in an
array tells BGR, OpenCV's order, from RGB: pass ``image[..., ::-1]``, or the file's path.
"""

from typing import TYPE_CHECKING, Any

from m3depth.version import __version__

if TYPE_CHECKING:
    from m3depth.priors.predictor import load

__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """``m3depth.load`` brings torch along, so it is imported when it is asked for."""
    if name == "load":
        from m3depth.priors.predictor import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
