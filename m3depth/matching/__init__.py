"""Stereo matchers that see both images: baselines and sources, nothing is learned."""
