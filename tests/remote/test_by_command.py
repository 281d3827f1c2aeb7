"""Two machines, as far as one can have them: a home with a server that listens, and another home that has nothing but a key."""

import json
import socket
from collections.abc import Generator

import pytest

from stigmer_apis.home import Home
from tests.support.workstation import Workstation, new_workstation
from tests.tui.real_terminal import real_terminal


@pytest.fixture
def server() -> Generator[Workstation]:
    """The machine that has everything."""
    with new_workstation() as workstation:
        yield workstation


@pytest.fixture
def person() -> Generator[Workstation]:
    """The machine that somebody sits at."""
    with new_workstation() as workstation:
        yield workstation


@pytest.fixture
def address() -> str:
    """One that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"localhost:{probe.getsockname()[1]}"


def key_of(server: Workstation, *words: str) -> str:
    """What stands on the last line."""
    return server.run("apikey", "create", *words, code=0).stdout.decode().splitlines()[-1]


def test_everything_from_another_machine(server: Workstation, person: Workstation, address: str) -> None:
    server.run("server", "start", "--listen", address, code=0)
    assert address in server.run("server", "status", code=0).stdout.decode()
    key = key_of(server, "laptop")
    person.run("backend", "switch", "cloud", "--endpoint", address, code=0)
    assert b"no API key is known" in person.run("get", "agents", code=None).stderr
    told = person.run("backend", "login", stdin=key.encode(), code=0)
    assert key.encode() not in told.stdout + told.stderr
    assert b"operator" in person.run("backend", "status", code=0).stdout
    assert person.run("run", "shell", "-m", "echo $((6*7)) far away", code=0).stdout == b"42 far away\n"
    listed = json.loads(server.run("get", "executions", "-o", "json", code=0).stdout)
    assert "far away" in json.dumps(listed)
    assert not person.processes_of("stigmer_backend.daemon"), "nothing was started here"
    assert (person.home / "logins.json").stat().st_mode & 0o077 == 0
    assert key not in (server.home / "data/api-keys.json").read_text()
    server.run("apikey", "revoke", "laptop", code=0)
    assert b"not known" in person.run("get", "agents", code=None).stderr
    viewer = key_of(server, "wall", "--role", "viewer", "--expires", "1d")
    person.run("backend", "login", stdin=viewer.encode(), code=0)
    assert b"viewer" in person.run("run", "shell", "-m", "true", code=None).stderr
    person.run("backend", "logout", code=0)
    assert b"no API key is known" in person.run("get", "agents", code=None).stderr


async def test_the_app_is_live_over_the_network_across_a_killed_server(
    server: Workstation, person: Workstation, address: str
) -> None:
    server.run("server", "start", "--listen", address, code=0)
    person.run("backend", "login", "--endpoint", address, stdin=key_of(server, "laptop").encode(), code=0)
    home = Home.at(person.home, {})
    async with real_terminal(
        home, ("tui", "--remote", address), columns=100, rows=24, environment=person.environment
    ) as terminal:
        await terminal.shows("Nothing has run yet")
        await terminal.shows(f"on {address}")
        terminal.send("for i in $(seq 1 100); do echo tick $i; sleep 0.1; done; echo $((6*7)) it is\r")
        await terminal.shows("tick 3")
        server.kill(server.status()["pid"])
        await terminal.shows("connecting again")
        server.run("server", "start", "--listen", address, code=0)
        await terminal.shows("42 it is")
        terminal.send("\x11")
        assert await terminal.ended() == 0


WRONG = (
    (("server", "start", "--listen", "nowhere"), "no address"),
    (("apikey", "create", "x", "--expires", "soon"), "no time"),
    (("apikey", "revoke", "nobody"), "no API key"),
    (("backend", "switch", "cloud"), "--endpoint"),
    (("backend", "switch", "cloud", "--endpoint", "https://x"), "no address"),
    (("backend", "login", "--endpoint", "localhost:1"), "no API key"),
)


def test_what_means_nothing_is_said(server: Workstation) -> None:
    for words, said in WRONG:
        told = server.run(*words, stdin=b"junk\n", code=None)
        assert told.returncode not in (0, 70), words
        assert said in told.stderr.decode(), words
