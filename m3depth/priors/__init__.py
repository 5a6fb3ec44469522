"""Depth for others to build on: from images to predictions, files and splatting scenes."""
