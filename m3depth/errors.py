"""The errors that a user can mend: each is one line that says what, where and how."""


class UserError(Exception):
    """Something outside the code is wrong; the command line prints the message and exits 1."""

    exit_code = 1


class ConfigError(UserError):
    """A setting is wrong; the command line prints the message and exits 2."""

    exit_code = 2


class DataError(UserError):
    """A file or a frame is missing, unreadable or inconsistent; the message names its path."""


class EightBitDepthError(DataError):
    """Depth in a file of 8 bits, of which too little is left to score or learn from."""
