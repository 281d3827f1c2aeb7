"""Commands without a terminal: two outputs, kept apart."""

import asyncio
from dataclasses import replace

import pytest

from stigmer_runner.sandbox import ExecutionRequest, ExecutionResult, Outcome, Sandbox, end_marked_processes
from tests.sandbox.driver import PATIENCE, marker, until
from tests.sandbox.ground import Ground
from tests.sandbox.test_cancel import NAP, alive_with


class Plain:
    """Runs commands without a terminal."""

    def __init__(self, sandbox: Sandbox, ground: Ground) -> None:
        self.sandbox = sandbox
        self.request = ExecutionRequest("", ground.workspace(), marker())

    async def run(self, request: ExecutionRequest) -> ExecutionResult:
        """What comes of it."""
        async with asyncio.timeout(PATIENCE):
            return await self.sandbox.execute(replace(request, marker=marker()))

    async def line(self, line: str) -> ExecutionResult:
        """What comes of a line."""
        return await self.run(replace(self.request, command=line))


@pytest.fixture
def plain(sandbox: Sandbox, ground: Ground) -> Plain:
    return Plain(sandbox, ground)


async def test_the_two_outputs_are_apart(plain: Plain) -> None:
    told = await plain.line("echo out; echo err >&2; printf '\\377\\n'; exit 5")
    assert (told.outcome, told.exit_code) == (Outcome.EXITED, 5)
    assert (told.stdout, told.stderr) == (b"out\n\xff\n", b"err\n")
    assert not told.truncated


async def test_a_program_is_run_with_its_arguments_as_they_are(plain: Plain) -> None:
    told = await plain.run(replace(plain.request, command=["printf", "%s|", "a b", "$HOME", "*", "'\"", "", "-n"]))
    assert told.stdout == b"a b|$HOME|*|'\"||-n|"


@pytest.mark.parametrize(
    ("line", "code"),
    [("true", 0), ("exit 42", 42), ("nosuchprogram", 127), ("./", 126), ("kill -9 $$", 137), ("kill $$", 143)],
)
async def test_exit_codes_are_those_of_a_shell(plain: Plain, line: str, code: int) -> None:
    told = await plain.line(line)
    assert (told.outcome, told.exit_code) == (Outcome.EXITED, code)


async def test_a_program_that_is_not_there_is_told_as_a_shell_tells_it(plain: Plain) -> None:
    told = await plain.run(replace(plain.request, command=["nosuchprogram"]))
    assert told.exit_code == 127
    assert b"nosuchprogram" in told.stderr


async def test_there_is_no_terminal(plain: Plain) -> None:
    told = await plain.line("tty; [ -t 1 ] || echo no; (: </dev/tty) 2>/dev/null || echo none")
    assert told.stdout == b"not a tty\nno\nnone\n"


async def test_input_is_read_to_its_end(plain: Plain) -> None:
    data = bytes(range(256)) * 4000
    told = await plain.run(replace(plain.request, command=["cat"], input=data))
    assert told.stdout == data
    assert (await plain.run(replace(plain.request, command=["cat"]))).stdout == b""


async def test_it_runs_in_the_workspace_or_the_directory_that_is_named(plain: Plain) -> None:
    workspace = str(plain.request.workspace)
    assert (await plain.line("pwd")).stdout.decode() == f"{workspace}\n"
    assert (await plain.run(replace(plain.request, command="pwd", directory="/usr"))).stdout == b"/usr\n"
    assert (await plain.run(replace(plain.request, command="pwd", directory="/nowhere"))).exit_code == 125


async def test_it_has_the_variables_of_the_execution(plain: Plain) -> None:
    told = await plain.run(replace(plain.request, command="echo $TOKEN", environment={"TOKEN": "secret"}))
    assert told.stdout == b"secret\n"


async def test_outputs_are_whole_up_to_the_limit_and_marked_past_it(plain: Plain) -> None:
    line = "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2"
    told = await plain.run(replace(plain.request, command=line, output_limit=3_000_000))
    assert (len(told.stdout), len(told.stderr), told.truncated) == (3_000_000, 2_000_000, False)
    told = await plain.run(replace(plain.request, command=line, output_limit=2_500_000))
    assert (len(told.stdout), len(told.stderr), told.truncated) == (2_500_000, 2_000_000, True)
    assert told.exit_code == 0


async def test_a_timeout_keeps_what_was_printed(plain: Plain) -> None:
    told = await plain.run(replace(plain.request, command=f"echo before; sleep {NAP}", timeout=0.3))
    assert (told.outcome, told.exit_code, told.stdout) == (Outcome.TIMED_OUT, None, b"before\n")
    assert any(NAP in process.command for process in told.killed)


async def test_a_caller_that_gives_up_ends_the_command(plain: Plain) -> None:
    mark = marker()
    request = replace(plain.request, command=f"touch up; setsid sleep {NAP} & sleep {NAP}", marker=mark)
    executing = asyncio.ensure_future(plain.sandbox.execute(request))
    await until((plain.request.workspace / "up").exists, "it starts")
    executing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await executing
    assert alive_with(mark) == []


async def test_a_background_child_does_not_hold_it(plain: Plain) -> None:
    request = replace(plain.request, command=f"(trap '' HUP; sleep {NAP}) & echo now", marker=marker())
    async with asyncio.timeout(PATIENCE):
        told = await plain.sandbox.execute(request)
    assert (told.exit_code, told.stdout) == (0, b"now\n")
    assert plain.sandbox.description.whole == (end_marked_processes(request.marker) == ())


async def test_a_line_of_a_megabyte_runs(plain: Plain) -> None:
    assert (await plain.line(f": '{'x' * 1_000_000}'; echo done")).stdout == b"done\n"
