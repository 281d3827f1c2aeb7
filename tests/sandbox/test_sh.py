"""A machine without bash: lines run in sh, which carries over the same."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from stigmer_runner.sandbox import Outcome, SandboxKind, choose_sandbox
from stigmer_runner.sandbox.programs import find
from tests.sandbox.driver import Shell
from tests.sandbox.ground import KINDS, Ground
from tests.support.require import require_tool


@pytest_asyncio.fixture(params=list(KINDS), ids=lambda kind: kind.value)
async def shell(request: pytest.FixtureRequest, ground: Ground) -> AsyncIterator[Shell]:
    kind: SandboxKind = request.param
    if kind is SandboxKind.BUBBLEWRAP:
        require_tool("bwrap")
    sandbox = await choose_sandbox(ground.layout(), kind, lambda name: None if name == "bash" else find(name))
    yield Shell(sandbox, ground.workspace())
    await sandbox.close()


CARRIED = [
    ("cd /usr", "pwd; echo $0", "/usr\nsh"),
    ("export A=1", 'echo "$A"', "1"),
    ("A=1", 'echo "[$A]"', "[]"),
    ("export A='1\n2 '\\''\"`$x'", 'echo "$A"', "1\n2 '\"`$x"),
    ("export A=1; exit 3", 'echo "$A"', "1"),
    ("set -e; export A=1; false; export A=2", 'echo "$A"', "1"),
    ("set -u; export A=1; echo $nope; export A=2", 'echo "$A"', "1"),
    ("export A=1\nfoo (\nexport A=2", 'echo "[$A]"', "[1]"),
    ("export A=1; trap 'echo bye' EXIT", 'echo "$A"', "1"),
    ("export A=1; (exit 3); (cd /usr; export A=2)", 'echo "$A"; pwd', "1\n{ws}"),
    ("export A=1; exec true", 'echo "[$A]"', "[]"),
    ("cat <<E\nhi\nE\nexport A=1", 'echo "$A"', "1"),
    ("unset LANG", 'echo "${LANG-unset}"', "unset"),
    ("mkdir d; cd d; rmdir ../d", "pwd", "{ws}"),
]


@pytest.mark.parametrize(("line", "after", "printed"), CARRIED)
async def test_a_line_starts_where_the_last_one_ended(shell: Shell, line: str, after: str, printed: str) -> None:
    await shell.run(line)
    told = await shell.run(after)
    wanted = printed.format(ws=shell.workspace).split("\n")
    assert told.text.rstrip("\n").split("\n")[-len(wanted) :] == wanted


ENDS = [
    ("true", 0, None),
    ("exit 3", 3, None),
    ("exit 137", 137, None),
    ("kill -9 $$; sleep 9", 137, signal.SIGKILL),
    ("exec sh -c 'exit 7'", 7, None),
    ("nosuchprogram", 127, None),
    ("foo (", 2, None),
]


@pytest.mark.parametrize(("line", "code", "number"), ENDS)
async def test_a_lines_end_is_reported(shell: Shell, line: str, code: int, number: signal.Signals | None) -> None:
    result = (await shell.run(line)).result
    outcome = Outcome.SIGNALLED if number else Outcome.EXITED
    assert (result.outcome, result.exit_code, result.signal) == (outcome, code, number)


async def test_a_line_of_a_megabyte_runs(shell: Shell) -> None:
    assert (await shell.run(f": '{'x' * 1_000_000}'; echo done")).text == "done\n"
