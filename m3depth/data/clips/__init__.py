"""Clips: a frame of a video with neighbours that its optical flow chooses."""
