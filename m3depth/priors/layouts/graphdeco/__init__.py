"""What graphdeco's gaussian-splatting reads."""
