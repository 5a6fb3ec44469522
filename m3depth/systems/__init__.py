"""Training: a network and an objective become a Lightning module."""
