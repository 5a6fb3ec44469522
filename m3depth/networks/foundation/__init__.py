"""Pretrained depth models of the transformers library, as networks of this project."""
