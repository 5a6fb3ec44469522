"""Is a data set fit to train on? Samples of it are measured once, and each check reads that."""
