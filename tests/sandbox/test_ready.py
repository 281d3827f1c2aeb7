"""Shells that stand before there is a line for them: used once, and only where all that they are made of is as it was."""

import asyncio
import os
import random
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_runner.sandbox import CommandRequest, Outcome, Sandbox, expecting
from stigmer_runner.sandbox.local import LocalSandbox
from stigmer_runner.sandbox.ready import ReadyShell
from stigmer_runner.sandbox.report import declared
from tests.sandbox.driver import PATIENCE, Shell, end, exited, marker, until

OWNER = "test:ahead"


class Ahead(Shell):
    """A shell whose sandbox keeps the next one ready."""

    def request(self, line: str) -> CommandRequest:
        return replace(super().request(line), ahead=OWNER)

    async def waiting(self) -> str:
        """The mark of the one that stands ready, once it does."""
        assert isinstance(self.sandbox, LocalSandbox)
        ready = self.sandbox._ready  # pyright: ignore[reportPrivateUsage]
        making = ready._waiting[OWNER][0]  # pyright: ignore[reportPrivateUsage]
        return (await asyncio.shield(making)).marker


@pytest.fixture
def ahead(shell: Shell) -> Ahead:
    return Ahead(shell.sandbox, shell.workspace)


async def mark_of(shell: Ahead, line: str = "true") -> str:
    """The mark that a line finds on itself."""
    told = await shell.run(f"{line}; echo mark=$STIGMER_EXEC_ID")
    assert exited(told), told.text
    return told.text.rpartition("mark=")[2].strip()


async def test_the_next_line_runs_in_the_one_that_stands(ahead: Ahead) -> None:
    first = await mark_of(ahead, "cd /usr; export A=1")
    assert not first.startswith(OWNER)
    marks = [first]
    for _ in range(3):
        waits = await ahead.waiting()
        told = await ahead.run("echo $A; pwd; tty; echo mark=$STIGMER_EXEC_ID; exit 7")
        assert told.text.startswith("1\n/usr\n/dev/")
        assert exited(told, 7)
        assert told.text.rpartition("mark=")[2].strip() == waits
        marks.append(waits)
    assert len(set(marks)) == 4, "each is used once"


async def test_what_changed_meanwhile_is_made_anew(ahead: Ahead) -> None:
    await mark_of(ahead)
    waits = await ahead.waiting()
    ahead.environment = {"TOKEN": "one"}
    assert await mark_of(ahead, '[ "$TOKEN" = one ]') != waits, "another variable"
    waits = await ahead.waiting()
    ahead.workspace.rename(ahead.workspace.with_name("old"))
    ahead.workspace.mkdir()
    (ahead.workspace / "new").touch()
    assert await mark_of(ahead, "ls new") != waits, "another directory of that name"


async def test_what_becomes_read_only_is(walled_shell: Shell) -> None:
    ahead = Ahead(walled_shell.sandbox, walled_shell.workspace)
    config = ahead.workspace / ".envrc"
    config.write_text("one")
    request = replace(ahead.request("echo two >.envrc"), read_only=(config,))

    async def written() -> int | None:
        command = await ahead.sandbox.start(replace(request, marker=marker()), lambda _: None)
        return (await end(command)).exit_code

    assert await written() == 1
    waits = await ahead.waiting()
    config.with_name("fresh").write_text("one")
    config.with_name("fresh").rename(config)  # another file of that name, which the one that stands does not protect
    assert await written() == 1
    assert config.read_text() == "one"
    assert await ahead.waiting() != waits


async def test_size_timeout_and_cancel_are_those_of_the_line(ahead: Ahead) -> None:
    await mark_of(ahead)
    await ahead.waiting()
    assert (await ahead.run("stty size", columns=101, rows=33)).text == "33 101\n"
    await ahead.waiting()
    told = await ahead.run("echo before; sleep 30", timeout=0.3)
    assert told.result.outcome is Outcome.TIMED_OUT
    assert told.text.startswith("before\n")
    await ahead.waiting()
    command, output = await ahead.start("echo on; sleep 30")
    await until(lambda: b"on" in output, "output")
    await command.cancel()
    result = await end(command)
    assert result.outcome is Outcome.CANCELLED
    assert "echo on; sleep 30" in [each.command for each in result.killed]


async def test_a_line_that_no_pipe_takes_runs_all_the_same(ahead: Ahead) -> None:
    await mark_of(ahead)
    await ahead.waiting()
    told = await ahead.run(f"A={'x' * 100_000}; echo ${{#A}}")
    assert told.text == "100000\n"
    assert exited(told)


async def test_one_that_died_is_not_used(ahead: Ahead) -> None:
    await mark_of(ahead)
    waits = await ahead.waiting()
    assert isinstance(ahead.sandbox, LocalSandbox)
    ready = ahead.sandbox._ready._waiting[OWNER][0].result()  # pyright: ignore[reportPrivateUsage]
    os.kill(ready.command.pid, 9)
    await until(ready.command.exited.is_set, "its end")
    assert await mark_of(ahead) != waits


async def test_forgetting_ends_it(ahead: Ahead, sandbox: Sandbox) -> None:
    await mark_of(ahead)
    waits = await ahead.waiting()
    assert carriers(waits)
    await sandbox.forget(OWNER)
    assert not carriers(waits)


async def test_who_had_to_wait_for_one_has_two_from_then_on(ahead: Ahead, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(ahead.sandbox, LocalSandbox)
    ready = ahead.sandbox._ready  # pyright: ignore[reportPrivateUsage]
    make, gate = ready._make, asyncio.Event()  # pyright: ignore[reportPrivateUsage]

    async def late(request: CommandRequest, mark: str) -> ReadyShell:
        await gate.wait()
        return await make(request, mark)

    monkeypatch.setattr(ready, "_make", late)
    await mark_of(ahead)
    second = asyncio.create_task(mark_of(ahead))
    waiting = ready._waiting[OWNER]  # pyright: ignore[reportPrivateUsage]
    await until(lambda: not waiting, "the second line to wait")
    gate.set()
    marks = [await second]
    assert len(waiting) == 2
    shells = [(await asyncio.shield(making)).marker for making in waiting]
    marks += [await mark_of(ahead), await mark_of(ahead)]
    assert marks[1:] == shells
    assert len(set(marks)) == 3
    assert len(waiting) == 2


async def test_an_expected_line_runs_in_the_one_that_was_chosen_for_it(
    ahead: Ahead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expecting, "FRESH_SECONDS", PATIENCE)
    await mark_of(ahead)
    waits = await ahead.waiting()
    request = ahead.request("touch ran; echo mark=$STIGMER_EXEC_ID")
    await ahead.sandbox.expect(request)
    following = await ahead.waiting()
    assert following != waits, "the next one is made meanwhile"
    assert not (ahead.workspace / "ran").exists()
    output = bytearray()
    result = await end(await ahead.sandbox.start(request, output.extend))
    assert result.exit_code == 0
    assert output.decode().strip() == f"mark={waits}"
    assert (ahead.workspace / "ran").exists()
    assert await ahead.waiting() == following


async def test_what_was_expected_and_does_not_come_ends(ahead: Ahead, sandbox: Sandbox) -> None:
    await mark_of(ahead)
    waits = await ahead.waiting()
    await sandbox.expect(ahead.request("touch ran"))
    following = await ahead.waiting()
    assert await mark_of(ahead) == following, "another line than the one that was expected"
    await until(lambda: not carriers(waits), "its end")
    waits = await ahead.waiting()
    await sandbox.expect(ahead.request("touch ran"))
    assert carriers(waits)
    await sandbox.forget(OWNER)
    assert not carriers(waits)
    assert not (ahead.workspace / "ran").exists()


async def test_what_was_looked_at_too_long_ago_is_looked_at_again(
    ahead: Ahead, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expecting, "FRESH_SECONDS", -1.0)
    await mark_of(ahead)
    waits = await ahead.waiting()
    request = ahead.request("echo mark=$STIGMER_EXEC_ID")
    await sandbox.expect(request)
    output = bytearray()
    await end(await sandbox.start(request, output.extend))
    assert waits not in output.decode()


def carriers(mark: str) -> list[int]:
    """The processes with this mark."""
    found: list[int] = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                environment = (each / "environ").read_bytes()
            except OSError:
                continue
            if f"STIGMER_EXEC_ID={mark}\0".encode() in environment:
                found.append(int(each.name))
    return found


@pytest.mark.parametrize("mode", ["", "set -o posix; "])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_what_bash_declares_is_read_as_bash_reads_it(mode: str, locale: str) -> None:
    chance = random.Random(f"{mode}{locale}")
    letters = [*range(1, 256), *(b"\"\\$`'\n \t=()" * 20)]
    given = {f"V{number}": bytes(chance.choices(letters, k=chance.randrange(40))) for number in range(300)}
    given |= {"U": "é 漢 \u200b 💥".encode(), "LC_ALL": locale.encode(), "PATH": b"/usr/bin:/bin"}
    said = subprocess.run(
        ["/bin/bash", "--norc", "-c", f"{mode}export NONE; export -p"], env=given, capture_output=True, check=True
    ).stdout
    found = declared(said.decode("utf-8", "surrogateescape"))
    assert "NONE" not in found
    assert {name: found[name].encode("utf-8", "surrogateescape") for name in given} == given
