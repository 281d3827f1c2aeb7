"""Daemons of a test, and all that they start, are gone after it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.process import DaemonProcess


@pytest.fixture
def daemon(short_tmp: Path) -> Iterator[DaemonProcess]:
    """A daemon that is not started yet, of a home that is not there yet."""
    one = DaemonProcess(short_tmp / "home")
    yield one
    one.end_everything()
