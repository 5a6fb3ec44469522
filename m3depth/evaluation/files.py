"""Results on disk: whole or not at all, and from which commit."""

import contextlib
import errno
import os
import subprocess
from pathlib import Path

from m3depth.errors import UserError


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the whole new one.

    Raises:
        UserError: The disk is full or the folder cannot be written to.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        mend = "free some space" if error.errno == errno.ENOSPC else "check its folder's rights"
        raise UserError(
            f"cannot write {path}: {error.strerror}; {mend}, or choose another output="
        ) from error


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
