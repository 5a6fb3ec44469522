"""EndoNeRF's layout, for its followers too."""
