"""How bright a colour looks."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue as displayed (Rec. ITU-R BT.601)."""
