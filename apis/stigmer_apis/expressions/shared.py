"""The process for expressions of this process."""

import atexit
from functools import cache

from stigmer_apis.expressions.client import Expressions


@cache
def shared() -> Expressions:
    """The one that all of this process shares. It ends with it."""
    found = Expressions()
    atexit.register(found.close)
    return found
