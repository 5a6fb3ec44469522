"""Saying a thing once."""

import logging
from functools import cache

logger = logging.getLogger("m3depth")


@cache
def warn_once(message: str) -> None:
    """Log a warning the first time this process says it, and not again."""
    logger.warning(message)
