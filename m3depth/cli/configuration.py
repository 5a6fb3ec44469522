"""Where the Hydra files are."""

from pathlib import Path


def configuration() -> Path:
    """The folder of the Hydra files: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"
