"""Cameras, disparity, warping, points and their registration."""
