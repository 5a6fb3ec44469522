"""Scores against known depth: metrics, protocols, baselines, and the run over a test set."""
