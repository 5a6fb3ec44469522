"""Gaussians and a camera to colour, depth and weight; start at `rasterize.rasterize`."""
