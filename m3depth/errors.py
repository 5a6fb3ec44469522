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


def require_count(setting: str, value: object, least: int = 1) -> int:
    """The value; stops at one that is no whole number, or below ``least``.

    Raises:
        ConfigError: naming the setting.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{setting}={value}: expected a whole number from {least}")
    return value


def require_switch(setting: str, value: object) -> None:
    """Stop at a setting that is not true or false: Hydra takes "no" for a word, which is true.

    Raises:
        ConfigError: naming the setting.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{setting}={value}: expected true or false")
