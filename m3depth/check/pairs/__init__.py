"""The checks of stereo pairs: each looks at the measured frames for one kind of fault."""
