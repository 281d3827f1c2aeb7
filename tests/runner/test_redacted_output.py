"""A terminal's output without secrets: at once, but for what may be the beginning of one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from stigmer_runner.redaction import NOTHING, Redactor
from stigmer_runner.tools.shell.redacted import IDLE_BYTES, RedactedOutput
from tests.canary.search import Search
from tests.runner.shell_bench import Place, ShellRun, place_at
from tests.support.waiting import eventually

SECRET = "hunter2-hunter2-hunter2"
REDACTOR = Redactor({"TOKEN": SECRET})


class Taken:
    """What was handed over."""

    def __init__(self) -> None:
        self.data = b""

    def __call__(self, pieces: Sequence[bytes]) -> None:
        self.data += b"".join(pieces)


async def test_a_prompt_leaves_in_the_same_breath() -> None:
    taken = Taken()
    output = RedactedOutput(REDACTOR.stream(), taken)
    output.take(b"Name: ")
    assert taken.data == b"Name: "
    output.close()


async def test_a_prompt_that_ends_as_a_secret_begins_leaves_after_a_moment() -> None:
    taken = Taken()
    output = RedactedOutput(REDACTOR.stream(), taken)
    output.take(b"do we hunt")
    assert taken.data == b"do we "
    await eventually(lambda: taken.data == b"do we hunt")
    output.take(b"? yes")
    assert taken.data + b"".join(output.close()) == b"do we hunt? yes"


@pytest.mark.parametrize("cut", range(1, len(SECRET)))
async def test_a_secret_in_two_writes_with_a_pause_between_shows_no_more_than_its_first_bytes(cut: int) -> None:
    taken = Taken()
    output = RedactedOutput(REDACTOR.stream(), taken)
    output.take(b">" + SECRET[:cut].encode())
    shown = SECRET[: min(cut, IDLE_BYTES)].encode()
    await eventually(lambda: taken.data == b">" + shown)
    output.take(SECRET[cut:].encode() + b"<")
    assert taken.data + b"".join(output.close()) == b">" + shown + b"[secret TOKEN]<"


async def test_a_secret_that_is_written_at_once_in_many_bits_shows_nothing() -> None:
    taken = Taken()
    output = RedactedOutput(REDACTOR.stream(), taken)
    for character in f"<{SECRET}>":
        output.take(character.encode())
    assert taken.data + b"".join(output.close()) == b"<[secret TOKEN]>"
    assert output.total == len(b"<[secret TOKEN]>")


async def test_what_a_waiting_program_said_is_shown_whole() -> None:
    taken = Taken()
    output = RedactedOutput(REDACTOR.stream(), taken)
    output.take(b"hunter2-hunter2")
    output.flush(waits=True)
    assert taken.data == b"hunter2-hunter2"
    output.take(b"-hunter2\n")
    assert taken.data + b"".join(output.close()) == b"hunter2-hunter2[secret TOKEN]\n"


async def test_a_run_without_secrets_keeps_its_bytes() -> None:
    taken = Taken()
    output = RedactedOutput(NOTHING.stream(), taken)
    data = bytes(range(256)) * 1000
    for start in range(0, len(data), 999):
        output.take(data[start : start + 999])
        await asyncio.sleep(0)
    assert taken.data + b"".join(output.close()) == data


@pytest.fixture
async def place(short_tmp: Path) -> AsyncGenerator[Place]:
    """A workspace whose runs are given a secret."""
    async with place_at(short_tmp) as made:
        made.secrets = {"TOKEN": SECRET}
        yield made


PRINTING = {
    "itself": 'echo "$TOKEN"',
    "in two writes": 'printf %s "${TOKEN:0:9}"; printf "%s\\n" "${TOKEN:9}"',
    "in base64": 'printf %s "user:$TOKEN" | base64',
    "in hexadecimal": 'printf %s "$TOKEN" | od -An -v -tx1 | tr -d " \\n"; echo',
    "as the shell tells it": "set -x; : $TOKEN",
    "among the variables": "env",
    "as an error": 'ls "/nowhere/$TOKEN"',
}


@pytest.mark.parametrize("line", PRINTING.values(), ids=[name.replace(" ", "-") for name in PRINTING])
async def test_no_line_of_a_shell_shows_a_secret(place: Place, line: str) -> None:
    run = ShellRun(place, line)
    await run.outcome()
    assert b"[secret TOKEN]" in run.output()
    everything = b"".join(event.SerializeToString() for event in run.events)
    assert list(Search({"TOKEN": SECRET}).look("the events", everything)) == []


async def test_where_a_line_went_tells_no_secret_and_its_end_is_its_own(place: Place) -> None:
    run = ShellRun(place, 'mkdir -p "$TOKEN" && cd "$TOKEN" && (exit 7)', "pwd; exit 3")
    await run.outcome()
    ends = [event.tool_call_finished for event in run.events if event.HasField("tool_call_finished")]
    assert [end.exit_code for end in ends] == [7, 3]
    assert all(end.directory.endswith("[secret TOKEN]") for end in ends)
    assert run.output("terminal-2").strip().endswith(b"/[secret TOKEN]")


async def test_a_person_sees_a_prompt_that_ends_as_the_secret_begins(place: Place) -> None:
    run = ShellRun(place, "read -p 'whom do we hunter2' answer; echo \"$answer it is\"")
    task = asyncio.create_task(run.outcome())
    await eventually(lambda: run.output() == b"whom do we hunter2")
    run.terminals.write("terminal-1", b"nobody\n")
    await task
    assert run.output() == b"whom do we hunter2nobody\r\nnobody it is\r\n"
