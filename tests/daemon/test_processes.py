"""Watching processes: our children and those of others, never a later one with the same pid."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress

import pytest

from stigmer_backend.daemon import processes
from stigmer_backend.daemon.processes import WatchedProcess, identity_of
from tests.access.waiting import DEADLINE_SECONDS, blocked_until

_LIVES = "import sys; sys.stdin.read()"


@contextmanager
def _child(code: str = _LIVES) -> Generator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


@pytest.fixture(params=["pidfd", "polling"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to watch: the second is what a system without pidfd has."""
    if request.param == "polling":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        monkeypatch.setattr(processes, "_POLL_SECONDS", 0.01)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no pidfd")
    return str(request.param)


@pytest.mark.usefixtures("way")
async def test_the_exit_code_of_a_child() -> None:
    with _child("raise SystemExit(7)") as child:
        watched = WatchedProcess.of_child(child)
        assert await watched.gone_within(DEADLINE_SECONDS)
        assert watched.exit_code == 7
        watched.close()


@pytest.mark.usefixtures("way")
async def test_a_child_that_lives_is_not_gone_and_a_signal_ends_it() -> None:
    with _child() as child:
        watched = WatchedProcess.of_child(child)
        assert not await watched.gone_within(0.05)
        watched.send(signal.SIGTERM)
        assert await watched.gone_within(DEADLINE_SECONDS)
        assert watched.exit_code == -signal.SIGTERM
        watched.send(signal.SIGTERM)
        watched.close()


@pytest.fixture
def not_our_child() -> Iterator[int]:
    """The pid of a process whose parent is gone."""
    code = (
        "import subprocess, sys; null = subprocess.DEVNULL;"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=null, stderr=null).pid)"
    )
    pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60).stdout)
    try:
        yield pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.usefixtures("way")
async def test_a_process_that_is_not_our_child(not_our_child: int) -> None:
    pid = not_our_child
    identity = identity_of(pid)
    assert identity is not None
    watched = WatchedProcess.of_pid(pid, identity)
    assert watched is not None
    assert not await watched.gone_within(0.05)
    watched.send(signal.SIGKILL)
    assert await watched.gone_within(DEADLINE_SECONDS)
    assert watched.exit_code is None
    watched.close()
    assert WatchedProcess.of_pid(pid, identity) is None


@pytest.mark.usefixtures("way")
async def test_another_process_with_the_same_pid_is_not_meant() -> None:
    with _child() as child:
        assert WatchedProcess.of_pid(child.pid, "another boot:1") is None
        assert WatchedProcess.of_pid(child.pid, "") is None
        assert child.poll() is None


def test_an_identity_is_stable_and_of_one_process() -> None:
    with _child() as one, _child() as other:
        assert identity_of(one.pid) == identity_of(one.pid)
        assert identity_of(one.pid) != identity_of(other.pid)


def test_a_zombie_and_a_process_that_never_was_are_gone() -> None:
    with _child("") as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        blocked_until(lambda: identity_of(child.pid) is None, "the zombie counts as gone")
    assert identity_of(2**22 + 5) is None


@pytest.mark.usefixtures("way")
async def test_two_may_wait() -> None:
    with _child() as child:
        watched = WatchedProcess.of_child(child)
        async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(watched.wait())
            group.create_task(watched.wait())
            child.kill()
        watched.close()


async def test_closing_ends_nothing() -> None:
    with _child() as child:
        watched = WatchedProcess.of_child(child)
        watched.close()
        watched.close()
        assert child.poll() is None
