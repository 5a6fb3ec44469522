"""What gives a video its camera: a network, the data, a file."""
