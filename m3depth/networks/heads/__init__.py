"""Heads of our own, which turn the features of any decoder into depth in millimetres."""
