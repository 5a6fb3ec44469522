"""The objective of a video's target rebuilt from its sources."""

from m3depth.geometry.rebuilding import TargetViews
from m3depth.losses.objective import WeightedTerms


class VideoObjective(WeightedTerms[TargetViews]):
    """Of targets rebuilt from their sources: for `VideoDepth`."""

    looks_at = TargetViews
