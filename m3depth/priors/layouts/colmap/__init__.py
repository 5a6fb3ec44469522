"""COLMAP models of known cameras."""
