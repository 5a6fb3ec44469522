"""What an unknown word was most likely meant to be."""

import difflib
from collections.abc import Iterable, Iterator, Sequence


def nearest(word: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """The known word that is most like it, if one is.

    >>> nearest("trane", ["train", "export"])
    'train'
    """
    return next(iter(difflib.get_close_matches(word, list(known), 1, least)), None)


def nearest_path(key: str, config: object) -> str | None:
    """The setting whose whole path is like ``key``, or else one whose last word is.

    >>> nearest_path("lr", {"optimizer": {"lr": 0.1}, "seed": 0})
    'optimizer.lr'
    """
    known = [path for path in _paths(config) if path and not key.startswith(f"{path}.")]
    whole = nearest(key, known, 0.8)
    if whole:
        return whole
    word = nearest(_last(key), map(_last, known), 0.7)
    elsewhere = [path for path in known if _last(path) == word]
    return min(elsewhere, key=lambda path: path.count("."), default=None)


def meant(near: str | None, choices: Sequence[str] = ()) -> str:
    """The end of a message about an unknown word."""
    asked = f"; did you mean {near}?" if near else ""
    if choices:
        return f"{asked} There are {', '.join(choices)}" if near else f"; {', '.join(choices)}"
    return asked or "; --help lists them"


def _paths(node: object, path: str = "") -> Iterator[str]:
    yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _paths(value, f"{path}.{key}" if path else str(key))


def _last(path: str) -> str:
    return path.rpartition(".")[2]
