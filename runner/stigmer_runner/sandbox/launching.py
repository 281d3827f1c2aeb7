"""A shell on its way into its sandbox, and what is cleaned up where it does not arrive."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass

from stigmer_runner.sandbox.anchor import Anchor
from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.ready import Mould
from stigmer_runner.sandbox.terminal import Terminal


@dataclass(frozen=True)
class Launched:
    """A terminal with a shell in it."""

    terminal: Terminal
    anchor: Anchor | None
    report: int
    """The descriptor, inside, on which it reports."""
    ink: int | None
    line: int = -1
    """Where its line will be written, where it has none yet."""
    mould: Mould | None = None
    """What such a one is made of."""


@contextlib.contextmanager
def holding(anchor: Anchor | None) -> Generator[None]:
    """Let go of `anchor` where what it is for cannot be started."""
    try:
        yield
    except BaseException:
        if anchor is not None:
            anchor.close()
        raise


@contextlib.contextmanager
def spawning() -> Generator[None]:
    """A system that starts nothing is told as `SpawnFailed`."""
    try:
        yield
    except OSError as error:
        raise SpawnFailed(f"the command could not be started: {error}") from error
