"""``m3depth VERB [key=value ...]``: finds the verb, and turns users' mistakes into one line."""

import importlib
import io
import sys

from m3depth.cli.errors import expected, one_line
from m3depth.cli.nearest import meant, nearest
from m3depth.stopping import stopping_at_once
from m3depth.version import __version__

VERBS = {
    "train": "learn depth from stereo pairs, without depth labels",
    "evaluate": "score a checkpoint on the test pairs of a data set",
    "predict": "depth of images, a folder, a glob or a video",
    "export": "depth priors in the layout that a splatting pipeline reads",
    "splat": "fit moving Gaussians to an exported scene, and say what its depth was worth",
    "adapt": "a checkpoint to another organ, scope or patient, without labels",
    "reconstruct": "one video to a camera's path and K, a surface and a scene for splat",
    "compare": "two or more folders of depth, or runs: one page and one table",
    "check": "is a data set fit to train on? what is wrong, and how to mend it",
    "bench": "time a part of the program",
    "doctor": "versions, shared libraries, devices: is everything there?",
}
USAGE = (
    "usage: m3depth VERB [key=value ...]   (m3depth VERB --help says what it takes)\n\n"
    + "\n".join(f"  {verb:<12}{does}" for verb, does in VERBS.items())
)


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; returns the exit status: 0, 1 for a failure, 2 for a usage error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a log shows each line at once
            stream.reconfigure(line_buffering=True)
    verb, *rest = (sys.argv[1:] if arguments is None else arguments) or [""]
    if verb in {"-h", "--help", "--version"}:
        sys.stdout.write(USAGE + "\n" if verb != "--version" else f"m3depth {__version__}\n")
        return 0
    if verb not in VERBS:
        asked = f"m3depth: no verb {verb!r}{meant(nearest(verb, VERBS))}\n" if verb else ""
        sys.stderr.write(asked + USAGE + "\n")
        return 2
    try:
        with stopping_at_once():
            run = getattr(importlib.import_module("m3depth.cli.verbs"), verb)
            return int(run(rest))
    except KeyboardInterrupt as stop:
        sys.stderr.write(f"\nm3depth {verb}: {str(stop) or 'stopped'}\n")
        return 1
    except expected() as error:
        known = one_line(error)
        if known is None:
            raise
        line, status = known
        sys.stderr.write(f"m3depth {verb}: {line}\n")
        return status
