"""``m3depth VERB [key=value ...]``: finds the verb, and turns users' mistakes into one line."""

import errno
import importlib
import io
import sys
from pathlib import Path

from m3depth.cli.nearest import meant, nearest
from m3depth.errors import UserError
from m3depth.stopping import stopping_at_once
from m3depth.version import __version__

VERBS = {
    "train": "learn depth from stereo pairs, without depth labels",
    "evaluate": "score a checkpoint on the test pairs of a data set",
    "predict": "depth of images, a folder, a glob or a video",
    "export": "depth priors in the layout that a splatting pipeline reads",
    "splat": "fit moving Gaussians to an exported scene, and say what its depth was worth",
    "check": "is a data set fit to train on? what is wrong, and how to mend it",
    "bench": "time a part of the program",
    "doctor": "versions, shared libraries, devices: is everything there?",
}
USAGE = (
    "usage: m3depth VERB [key=value ...]   (m3depth VERB --help says what it takes)\n\n"
    + "\n".join(f"  {verb:<10}{does}" for verb, does in VERBS.items())
)
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_MEMORY = ("can't allocate memory", "CUDA out of memory")
NO_WAY = {
    *(errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENAMETOOLONG, errno.ELOOP),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; returns the exit status: 0, 1 for a failure, 2 for a usage error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a log that is watched has every line at once
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
        told = one_line(error)
        if told is None:
            raise
        line, status = told
        sys.stderr.write(f"m3depth {verb}: {line}\n")
        return status


def configuration() -> Path:
    """The folder of the Hydra files: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def one_line(error: BaseException) -> tuple[str, int] | None:
    """What to tell the user, and the exit status; None for a fault of ours: it keeps its trace."""
    from hydra.errors import InstantiationException
    from omegaconf.errors import MissingMandatoryValue

    if isinstance(error, UserError):
        return _flat(error), error.exit_code
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return f"{error.strerror}: {error.filename or 'the output'}; free space or set output=", 1
    if isinstance(error, OSError) and error.errno in NO_WAY and error.filename:
        return f"{error.filename}: {error.strerror}; choose another output=", 1
    if isinstance(error, FileNotFoundError) and error.filename:  # in /proc nothing can be made
        return f"{error.filename}: cannot be found or made; look at the path", 1
    if isinstance(error, RuntimeError) and "Symlink loop" in str(error):
        return f"{_flat(error)}: a link that leads to itself; look at the path", 1
    if isinstance(error, RuntimeError) and "PytorchStreamWriter" in str(error):
        return f"a checkpoint could not be written ({_flat(error)}); free space or set output=", 1
    if isinstance(error, MemoryError) or any(one in str(error) for one in NO_MEMORY):
        return f"out of memory ({_flat(error)[:120]}); a smaller size, batch or number of tiles", 1
    if isinstance(error, InstantiationException) and error.__cause__ is not None:
        return one_line(error.__cause__) or (_flat(error), 2)
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key}= must be given; m3depth VERB --help says what it is", 2
    if isinstance(error, users_mistakes()):
        return _flat(error).split(" Config search path:")[0], 2
    return None


def expected() -> tuple[type[Exception], ...]:
    """What may be a user's mistake; `one_line` decides."""
    return (*users_mistakes(), OSError, RuntimeError, MemoryError)


def users_mistakes() -> tuple[type[Exception], ...]:
    """What a wrong setting or a wrong file raises."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    return UserError, HydraException, OmegaConfBaseException


def _flat(error: BaseException) -> str:
    return " ".join(str(error).split())
