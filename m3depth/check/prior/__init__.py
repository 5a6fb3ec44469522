"""Does a splatting pipeline read a folder of depth priors as it was meant?"""
