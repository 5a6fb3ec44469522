"""Gaussian splatting: drawing Gaussians, and what a depth prior makes of them."""
