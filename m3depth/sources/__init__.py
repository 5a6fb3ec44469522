"""What gives a frame its depth: a network, the data's own truth, a stereo matcher, files."""
