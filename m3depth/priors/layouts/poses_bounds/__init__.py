"""LLFF's ``poses_bounds.npy`` beside pictures: what EndoNeRF's layout and its relatives share."""
