"""What is measured once on each frame of a data set, and how it is judged."""
