"""Whose an output folder is: what a run may write into, replace and remove."""
