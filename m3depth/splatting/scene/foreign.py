"""Where the saved settings of earlier fits name it."""

from m3depth.priors.layouts.endonerf.foreign import ForeignScene

__all__ = ["ForeignScene"]
