"""From a video to the camera's path, a surface and a scene for splatting."""
