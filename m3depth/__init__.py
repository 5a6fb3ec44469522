"""Metric depth from one laparoscope image, learned from stereo pairs without depth labels."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from m3depth.priors.load import load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """``m3depth.load`` brings torch along, so it is imported when it is asked for."""
    if name == "load":
        from m3depth.priors.load import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
