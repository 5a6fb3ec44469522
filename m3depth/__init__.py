"""Metric depth from one laparoscope image, learned from stereo pairs without depth labels."""

__version__ = "0.1.0"
