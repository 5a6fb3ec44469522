"""What a run has found so far, in a file, so that a stopped one goes on."""

import json
from pathlib import Path
from typing import Any

from m3depth.errors import ConfigError
from m3depth.io.files import write_json


class Kept:
    """A file of plain containers that says what it was found with.

    Args:
        path: The file.
        settings: What must be the same for going on with it, as JSON has it.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        self.settings = json.loads(json.dumps(settings))

    def load(self) -> Any:
        """What was kept; None where nothing was.

        Raises:
            ConfigError: it was found with other settings.
        """
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            theirs = found["settings"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        names = sorted(self.settings.keys() | theirs.keys())
        changed = [name for name in names if theirs.get(name) != self.settings.get(name)]
        if changed:
            raise ConfigError(
                f"{self.path}: is of a run with another {', '.join(changed)}; set output=DIR to an "
                "empty folder, or overwrite=true"
            )
        return found["content"]

    def save(self, content: Any) -> None:
        """Replace what was kept."""
        write_json(self.path, {"settings": self.settings, "content": content})
