"""One runner, kept alive: started with a token that nobody else sees, started again when it dies, adopted by the next daemon."""

import asyncio
import json
import logging
import math
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from stigmer_apis.home import Home
from stigmer_backend.access import Tokens
from stigmer_backend.daemon.processes import identity_of
from stigmer_backend.daemon.runner_process import RunnerRecord, read_record, runner_record_path, write_record
from stigmer_backend.daemon.supervisor import Supervisor, SupervisorOptions
from tests.access.served import short_home
from tests.access.waiting import DEADLINE_SECONDS, until
from tests.daemon import small_runner
from tests.daemon.presence import Presence

FAR = 3600.0
"""A time that never comes in a test."""

QUICK = SupervisorOptions(
    adoption=FAR, first_delay=0.01, longest_delay=0.04, unreachable=math.inf, look=0.02, goodbye=FAR, terminate=FAR
)

HASTY = SupervisorOptions(goodbye=0.5, terminate=0.5)
"""For runners that may have to be killed."""


@pytest.fixture
def home(short_tmp: Path) -> Iterator[Home]:
    """A home whose runners, whatever a test did with them, are gone after it."""
    home = short_home(short_tmp)
    home.prepare()
    yield home
    for facts in home.root.glob("run-*.json"):
        with suppress(ProcessLookupError):
            os.kill(json.loads(facts.read_text())["pid"], signal.SIGKILL)


def _behave(home: Home, *words: str) -> None:
    (home.root / "behaviour").write_text(" ".join(words))


def _command(home: Home, runner_id: str) -> tuple[str, ...]:
    return (sys.executable, small_runner.__file__, str(home.root), runner_id)


def _started(home: Home) -> int:
    return len(list(home.root.glob("run-*.json")))


def _facts(home: Home, runner_id: str) -> dict[str, object]:
    return json.loads((home.root / f"{runner_id}.json").read_text())


class Daemon:
    """The part of a daemon that concerns runners."""

    def __init__(self, home: Home, tokens: Tokens, presence: Presence, supervisor: Supervisor) -> None:
        self.home = home
        self.tokens = tokens
        self.presence = presence
        self.supervisor = supervisor

    async def connected(self, *, other_than: str = "") -> RunnerRecord:
        """Wait until a runner is connected, another one than `other_than`."""

        def here() -> bool:
            record = self.supervisor.standing().record
            return (
                record is not None and record.runner_id != other_than and self.presence.is_connected(record.runner_id)
            )

        await until(here, "a runner is connected")
        record = self.supervisor.standing().record
        assert record is not None
        return record


@asynccontextmanager
async def daemon(
    home: Home,
    options: SupervisorOptions = QUICK,
    *,
    farewell: SupervisorOptions | None = HASTY,
    command: str | None = None,
    clock_step: float | None = None,
) -> AsyncGenerator[Daemon]:
    tokens = Tokens.open(home)
    async with Presence(home, tokens) as presence:
        supervisor = Supervisor(
            home=home,
            tokens=tokens,
            connections=presence,
            environ=os.environ
            | {"ANTHROPIC_API_KEY": "canary", "LC_TIME": "C", "SSH_AUTH_SOCK": "/x", "https_proxy": "http://proxy:1"},
            command=_command if command is None else lambda _home, _id: (command,),
            options=options,
        )
        if clock_step is not None:
            steps = iter(range(1_000_000))
            supervisor.clock = lambda: next(steps) * clock_step
        running = asyncio.create_task(supervisor.run())
        try:
            yield Daemon(home, tokens, presence, supervisor)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            if farewell is None:
                supervisor.leave()
            else:
                supervisor.options = farewell
                await supervisor.end("the test is over")


def _is_gone(record: RunnerRecord) -> bool:
    return identity_of(record.pid) != record.identity


async def test_a_runner_is_started_and_its_token_is_nowhere_to_be_seen(home: Home) -> None:
    async with daemon(home) as one:
        record = await one.connected()
        facts = _facts(home, record.runner_id)
        assert facts["rest"] == ""
        assert facts["token"] == 43
        assert facts["session"] == facts["pid"] == record.pid
        environment = facts["environment"]
        assert isinstance(environment, dict)
        assert "canary" not in json.dumps(environment)
        assert "SSH_AUTH_SOCK" not in environment
        assert environment["LC_TIME"] == "C"
        assert environment["https_proxy"] == "http://proxy:1"
        assert environment["STIGMER_HOME"] == str(home.root)
        assert read_record(runner_record_path(home)) == record
        assert "is here" in (home.logs / "runner.log").read_text()
        assert (home.logs / "runner.log").stat().st_mode & 0o077 == 0
    assert _is_gone(record)


async def test_one_that_dies_loses_lease_and_token_and_another_one_is_started(home: Home) -> None:
    async with daemon(home) as one:
        first = await one.connected()
        os.kill(first.pid, signal.SIGKILL)
        second = await one.connected(other_than=first.runner_id)
        assert second.pid != first.pid
        assert one.presence.revoked == [(first.runner_id, "its process was ended by SIGKILL")]
        assert not one.tokens.knows_runner(first.runner_id)
        assert one.tokens.knows_runner(second.runner_id)
        assert read_record(runner_record_path(home)) == second


async def test_the_pause_doubles_up_to_its_limit(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    _behave(home, "dies")
    caplog.set_level(logging.INFO)
    async with daemon(home):
        await until(lambda: _started(home) >= 5, "five starts")
    pauses = [record.args for record in caplog.records if "started again" in record.msg]
    assert pauses[:4] == [(0.01,), (0.02,), (0.04,), (0.04,)]
    assert "ended with code 3" in caplog.text


async def test_one_that_lived_long_enough_begins_with_the_first_pause(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    _behave(home, "dies")
    caplog.set_level(logging.INFO)
    async with daemon(home, clock_step=1000.0):
        await until(lambda: _started(home) >= 4, "four starts")
    pauses = [record.args for record in caplog.records if "started again" in record.msg]
    assert pauses == [(0.01,)] * len(pauses)


async def test_one_that_cannot_be_started_says_why(home: Home) -> None:
    async with daemon(home, command="/no/such/program") as one:
        await until(lambda: "/no/such/program" in one.supervisor.standing().detail, "the reason is told")
        assert "No such file" in one.supervisor.standing().detail
        assert one.supervisor.standing().record is None


async def test_while_nothing_can_be_written_runners_are_watched_and_afterwards_started(home: Home) -> None:
    in_the_way = home.data / "tokens.json"
    async with daemon(home) as one:
        first = await one.connected()
        in_the_way.unlink()
        in_the_way.mkdir()
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: "directory" in one.supervisor.standing().detail, "the reason is told")
        assert not one.tokens.knows_runner(first.runner_id)
        assert _started(home) == 1
        in_the_way.rmdir()
        await one.connected(other_than=first.runner_id)


async def test_one_that_cannot_be_noted_is_watched_all_the_same(home: Home) -> None:
    runner_record_path(home).mkdir()
    async with daemon(home) as one:
        first = await one.connected()
        os.kill(first.pid, signal.SIGKILL)
        last = await one.connected(other_than=first.runner_id)
    assert _is_gone(last)


async def test_the_next_daemon_adopts_it(home: Home) -> None:
    async with daemon(home, farewell=None) as first:
        record = await first.connected()
    assert not _is_gone(record)
    async with daemon(home) as second:
        assert await second.connected() == record
        await until(lambda: second.supervisor.standing().detail == "", "it is adopted")
        assert second.presence.revoked == []
        assert _started(home) == 1
        os.kill(record.pid, signal.SIGKILL)
        await second.connected(other_than=record.runner_id)
        assert second.presence.revoked == [(record.runner_id, "its process ended")]


async def test_one_that_does_not_connect_again_is_replaced(home: Home) -> None:
    _behave(home, "once")
    async with daemon(home, farewell=None) as first:
        record = await first.connected()
    _behave(home)
    async with daemon(home, SupervisorOptions(adoption=0.2)) as second:
        replacement = await second.connected(other_than=record.runner_id)
        assert _is_gone(record)
        assert replacement.pid != record.pid
        assert [runner_id for runner_id, _ in second.presence.revoked] == [record.runner_id]


async def test_one_that_does_not_connect_again_and_ignores_sigterm_is_killed(home: Home) -> None:
    _behave(home, "once", "stubborn")
    async with daemon(home, farewell=None) as first:
        record = await first.connected()
    _behave(home)
    async with daemon(home, SupervisorOptions(adoption=0.2, terminate=0.2)) as second:
        await second.connected(other_than=record.runner_id)
        assert _is_gone(record)


async def test_one_that_dies_while_it_is_waited_for_is_not_waited_for_any_longer(home: Home) -> None:
    _behave(home, "once")
    async with daemon(home, farewell=None) as first:
        record = await first.connected()
    _behave(home)
    async with daemon(home) as second:
        await until(lambda: "waiting" in second.supervisor.standing().detail, "it is waited for")
        assert _started(home) == 1
        os.kill(record.pid, signal.SIGKILL)
        await second.connected(other_than=record.runner_id)


async def test_one_that_died_with_the_daemon_is_revoked_and_replaced(home: Home) -> None:
    async with daemon(home, farewell=None) as first:
        record = await first.connected()
    os.kill(record.pid, signal.SIGKILL)
    await until(lambda: _is_gone(record), "it is gone")
    async with daemon(home) as second:
        await second.connected()
        assert second.presence.revoked == [(record.runner_id, "its process is gone")]
        assert not second.tokens.knows_runner(record.runner_id)


async def test_one_whose_token_is_lost_is_replaced_without_waiting(home: Home) -> None:
    async with daemon(home, farewell=None) as first:
        record = await first.connected()
    (home.data / "tokens.json").unlink()
    async with daemon(home) as second:
        await second.connected(other_than=record.runner_id)
        assert _is_gone(record)


async def test_a_stranger_with_the_pid_of_the_record_is_not_touched(home: Home) -> None:
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    write_record(runner_record_path(home), RunnerRecord("run-old", stranger.pid, "another boot:1:1"))
    async with daemon(home) as one:
        await one.connected()
        assert one.presence.revoked == [("run-old", "its process is gone")]
    assert stranger.returncode is None
    stranger.kill()
    await stranger.communicate()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"[]",
        b'{"runner_id": 1, "pid": 2, "identity": ""}',
        b'{"runner_id": "r", "pid": 1, "identity": ""}',
    ],
)
async def test_a_record_that_says_nothing_is_no_record(home: Home, content: bytes) -> None:
    runner_record_path(home).write_bytes(content)
    async with daemon(home) as one:
        await one.connected()
        assert one.presence.revoked == []


async def test_it_leaves_when_it_is_asked_to(home: Home) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS), daemon(home, farewell=QUICK) as one:
        record = await one.connected()
    assert _is_gone(record)
    assert one.presence.revoked == [(record.runner_id, "the test is over")]
    assert read_record(runner_record_path(home)) is None
    assert not one.tokens.knows_runner(record.runner_id)


@pytest.mark.parametrize("words", [("silent",), ("stubborn",), ("silent", "stubborn")], ids=" ".join)
async def test_it_goes_even_when_it_does_not_want_to(home: Home, words: tuple[str, ...]) -> None:
    _behave(home, *words)
    async with daemon(home) as one:
        await until(lambda: _started(home) == 1, "it is started")
        record = one.supervisor.standing().record
        assert record is not None
    assert _is_gone(record)


async def test_one_that_lives_unconnected_for_too_long_is_replaced(home: Home) -> None:
    _behave(home, "silent")
    async with daemon(home, SupervisorOptions(unreachable=2.0, look=0.02, first_delay=0.01)) as one:
        await until(lambda: _started(home) == 1, "it is started")
        record = one.supervisor.standing().record
        assert record is not None
        _behave(home)
        await one.connected(other_than=record.runner_id)
        assert _is_gone(record)


async def test_a_daemon_that_is_stopped_while_it_starts_one_still_ends_it(home: Home) -> None:
    for _ in range(5):
        async with daemon(home) as one:
            await until(lambda one=one: one.supervisor.standing().detail == "not started yet", "it begins")
            await asyncio.sleep(0)
    records = [
        RunnerRecord(path.stem, int(str(_facts(home, path.stem)["pid"])), "") for path in home.root.glob("run-*.json")
    ]
    assert [record for record in records if identity_of(record.pid) is not None] == []
