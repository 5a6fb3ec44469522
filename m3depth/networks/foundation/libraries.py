"""The optional libraries, imported where they are used."""

import importlib
from typing import Any

from m3depth.errors import ConfigError


def transformers() -> Any:
    """Without its progress bars and its tables of weights: `create_model` says what is wrong.

    Raises:
        ConfigError: it is not installed.
    """
    library = _imported("transformers")
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    return library


def peft() -> Any:
    """The library of adapters.

    Raises:
        ConfigError: it is not installed.
    """
    return _imported("peft")


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"network: needs {error.name}, which is not installed: pip install "
            "'m3depth[foundation]'"
        ) from error
