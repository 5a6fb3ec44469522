"""Users' mistakes as one line, and the exit status that goes with each."""

import errno

from m3depth.errors import UserError

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_MEMORY = ("can't allocate memory", "CUDA out of memory")
NO_WAY = {
    *(errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENAMETOOLONG, errno.ELOOP),
}


def one_line(error: BaseException) -> tuple[str, int] | None:
    """The user's message and the exit status; None for a fault of ours, which keeps its trace."""
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
