"""What nerfstudio and dn-splatter read."""
