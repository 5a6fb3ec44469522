"""Which commit a result came from."""

import subprocess
from pathlib import Path


def git_commit() -> dict[str, str]:
    """``{"git": short hash}`` when the package runs from its own checkout, else nothing."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return {}
    try:
        answer = subprocess.run(
            ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):  # no git program, or not a usable checkout
        return {}
    return {"git": answer.stdout.strip()}
