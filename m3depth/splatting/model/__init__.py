"""Gaussians that move, where they come from, and how they become more and fewer."""
