"""Fixtures of every test."""

import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Give signals their usual meaning, also where the tests run in a shell's background: children of ours inherit what is ignored."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
    # readline sets the first two where there is no terminal, and programs in terminals of ours believe them. Without bytecode each process of a
    # test would compile the tree anew.
    for name in ("COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)


@pytest.fixture
def short_tmp() -> Generator[Path]:
    """A directory with a short path: a unix socket's path has about 100 bytes, and pytest's own is often longer."""
    path = Path(tempfile.mkdtemp(prefix="stg-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Note how the run ended, for `.ci/run`: failed tests may be tried again, a run that broke off has to be run whole."""
    if hasattr(session.config, "workerinput"):
        return
    note = session.config.rootpath / ".pytest_cache" / "exitstatus"
    note.parent.mkdir(exist_ok=True)
    note.write_text(f"{int(exitstatus)}\n")
