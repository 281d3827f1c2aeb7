"""Walls that a thread puts on itself before it starts a command, which inherits them.

A thread of its own for each command: rules of Landlock, capabilities and filters of system calls belong to a thread, are inherited by
what it starts and cannot be taken off again. So the runner itself stays as it is, no interpreter is started in between, and
nothing runs between the fork and the program.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stigmer_runner.sandbox import powers
from stigmer_runner.sandbox.landlock import Access, Ruleset

_T = TypeVar("_T")


class Confinement:
    """The walls of one command, to be used once."""

    def __init__(self, rules: Ruleset, calls: bytes) -> None:
        """`calls` is the filter of system calls; `rules` belong to this from now on."""
        self._rules = rules
        self._calls = calls

    def start(self, spawn: Callable[[], _T], terminal: int | None = None) -> _T:
        """What `spawn` returns, called behind the walls. The file that `terminal` is may be read and written too.

        Raises `OSError` where the walls cannot be had, and what `spawn` raises. Blocks.
        """
        try:
            if terminal is not None:
                self._rules.allow_open(terminal, Access.READ_FILE | Access.WRITE_FILE)
            with ThreadPoolExecutor(1, thread_name_prefix="sandbox-confined") as one:
                return one.submit(self._confined, spawn).result()
        finally:
            self._rules.close()

    def _confined(self, spawn: Callable[[], _T]) -> _T:
        powers.drop_capabilities()
        self._rules.confine_this_thread()
        powers.filter_calls(self._calls)
        return spawn()
