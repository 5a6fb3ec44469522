"""Public and own data sets, one reader each, from the folder as released."""
