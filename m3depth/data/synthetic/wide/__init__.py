"""Scenes as varied as the world: every part drawn anew for each, from wide ranges."""

from m3depth.data.synthetic.wide.pairs import WidePairs
from m3depth.data.synthetic.wide.world import World

__all__ = ["WidePairs", "World"]
