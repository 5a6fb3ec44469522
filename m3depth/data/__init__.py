"""Where stereo pairs come from: the built-in endoscope, folders of files, public sets."""
