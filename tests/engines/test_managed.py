"""The daemon's own Temporal server: started, taken over by the next daemon, ended; and what is said where it cannot be."""

import json
import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from tests.engines.server import TemporalServer, program
from tests.support.workstation import Workstation, new_workstation

STARTED = ("server", "start", "--engine", "temporal", "--temporal", "managed")


@pytest.fixture
def workstation(temporal_server: TemporalServer) -> Iterator[Workstation]:
    """A home that knows the program."""
    del temporal_server
    with new_workstation(STIGMER_TEMPORAL_PROGRAM=program() or "") as made:
        yield made


def record_of(workstation: Workstation) -> dict[str, object]:
    """What the daemon noted about its server."""
    return json.loads((workstation.home / "data" / "temporal.json").read_bytes())


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_server_is_kept_taken_over_and_ended(workstation: Workstation) -> None:
    workstation.run(*STARTED)
    assert workstation.run("run", "shell", "--message", "echo one").stdout == b"one\n"
    first = record_of(workstation)
    assert str(first["address"]) in workstation.run("server", "status").stdout.decode()
    os.kill(int(workstation.status()["pid"]), signal.SIGKILL)
    workstation.run(*STARTED)
    assert workstation.run("run", "shell", "--message", "echo two").stdout == b"two\n"
    assert record_of(workstation) == first
    # One that dies is started again where it was: the runner finds it there.
    os.kill(int(str(first["pid"])), signal.SIGKILL)
    assert workstation.run("run", "shell", "--message", "echo three").stdout == b"three\n"
    again = record_of(workstation)
    assert again["address"] == first["address"]
    assert again["pid"] != first["pid"]
    workstation.run("server", "stop")
    assert not lives(int(str(again["pid"])))
    # What it knew is kept with the data, and so are its runs.
    assert (workstation.home / "data" / "temporal.db").is_file()
    assert (workstation.home / "data" / "temporal.key").stat().st_mode & 0o077 == 0


def test_a_program_that_is_not_there_is_told() -> None:
    with new_workstation(STIGMER_TEMPORAL_PROGRAM="no-such-temporal") as workstation:
        workstation.run(*STARTED)
        said = workstation.run("server", "status").stdout.decode()
        assert "there is no program 'no-such-temporal'" in said
        assert "backend.local.temporal.program" in said


def test_an_engine_and_a_cluster_that_exclude_each_other_are_refused() -> None:
    with new_workstation() as workstation:
        done = workstation.run("server", "start", "--engine", "embedded", "--temporal", "managed", code=None)
        assert done.returncode == 64
        assert b"leave one of them out" in done.stderr
