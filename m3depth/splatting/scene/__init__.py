"""Scenes to be splatted, from the folders that the writers of `m3depth.priors` leave."""
