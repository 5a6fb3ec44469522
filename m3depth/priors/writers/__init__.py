"""Scenes in the layouts that splatting pipelines read; one module each."""
