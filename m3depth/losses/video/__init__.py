"""Losses of a video's target frame against its sources."""
