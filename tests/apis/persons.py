"""Tests run as root or as an ordinary user: who is kept out of a file differs."""

import os
from collections.abc import Generator
from contextlib import contextmanager

_NOBODY = 65534


@contextmanager
def somebody_else() -> Generator[None]:
    """As a user who is kept out by modes: nobody, where the tests run as root, whom no mode keeps out."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
