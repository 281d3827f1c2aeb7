"""Command lines that a model runs: waiting, background, input, output, walls."""

import asyncio
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network
from stigmer_runner.redaction import Redactor
from stigmer_runner.sandbox import CommandLimits, InputWait, Outcome, Sandbox
from stigmer_runner.tools.interface import ToolResult
from stigmer_runner.tools.shell.plain_text import plain
from stigmer_runner.tools.shell.spool import AT_HAND, Spool
from tests.sandbox.driver import PATIENCE, until
from tests.sandbox.ground import Ground
from tests.support.require import require_tool
from tests.support.waiting import eventually
from tests.tools.bench import ToolBench, new_bench


def handle(result: ToolResult) -> str:
    """The id by which a command goes on."""
    assert result.details is not None
    assert result.details.background_id
    return result.details.background_id


async def test_a_line_is_run_and_told(bench: ToolBench) -> None:
    result = await bench.call("shell", command="echo out; echo err >&2; pwd; exit 3")
    assert result.text == f"out\nerr\n{bench.workspace}\n(exit code 3)"
    assert not result.is_error
    assert result.details is not None
    assert result.details.result is not None
    assert result.details.result.exit_code == 3
    assert bench.output("terminal-call-1") == f"out\r\nerr\r\n{bench.workspace}\r\n".encode()
    assert result.details.output_bytes == len(bench.output("terminal-call-1"))


async def test_directory_and_variables_carry_over(bench: ToolBench) -> None:
    (bench.workspace / "sub").mkdir()
    await bench.text("shell", command="cd sub; export COLOUR=red; unset LANG")
    assert (await bench.text("shell", command="basename $PWD; echo $COLOUR")).startswith("sub\nred\n")
    standing = bench.session.standing()
    assert standing.directory.endswith("/sub")
    assert standing.environment == {"COLOUR": "red", "LANG": "", "OLDPWD": str(bench.workspace)}


async def test_what_takes_longer_goes_on_in_the_background(bench: ToolBench) -> None:
    result = await bench.call("shell", command="echo first; read line; echo got $line; sleep 60", wait=0.5)
    name = handle(result)
    assert name == "terminal-call-1"
    assert "first" in result.text
    assert "goes on" in result.text
    assert name in await bench.text("shell_list")
    assert "got word" in await bench.text("shell_input", id=name, text="word", wait=1)
    told = await bench.call("shell_kill", id=name)
    assert "it was ended" in told.text
    assert "has ended" in await bench.error("shell_input", id=name, text="more")
    assert "it was ended" in await bench.text("shell_list")


async def test_a_server_is_started_and_ended_with_the_session(bench: ToolBench) -> None:
    name = handle(await bench.call("shell", command="echo ready; exec sleep 1000", background=True))
    command = bench.session.handles.find(name)
    pid = command.command.pid
    await bench.session.close()
    assert not command.running
    assert command.result is not None
    assert command.result.outcome is Outcome.CANCELLED
    await eventually(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


async def test_a_background_command_that_fails_at_once_is_told(bench: ToolBench) -> None:
    result = await bench.call("shell", command="nosuchprogram", background=True)
    assert "exit code 127" in result.text


async def test_its_end_is_waited_for(bench: ToolBench) -> None:
    name = handle(await bench.call("shell", command="sleep 1; echo late", wait=0.1))
    assert "late\n(exit code 0" in await bench.text("shell_wait", id=name, seconds=30)


async def test_a_timeout_keeps_what_came_and_leaves_nothing(bench: ToolBench) -> None:
    result = await bench.call("shell", command="echo before; sleep 100", timeout=0.5)
    text = result.text.replace("Terminated\n", "")  # a shell that outlives its child for a moment says so
    assert text.startswith("before\n(its time was up")
    assert result.details is not None
    assert result.details.result is not None
    assert result.details.result.outcome is Outcome.TIMED_OUT
    assert not result.details.result.survivors


async def test_a_cancelled_call_ends_its_command(bench: ToolBench) -> None:
    calling = asyncio.create_task(bench.call("shell", command="echo begun; sleep 1000"))
    await eventually(lambda: b"begun" in bench.output("terminal-call-1"))
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert not bench.session.handles.find("terminal-call-1").running


async def test_a_long_output_is_told_by_its_ends_and_read_by_bytes(bench: ToolBench) -> None:
    text = await bench.text("shell", command="seq 1 60000")
    assert text.startswith("1\n2\n3\n")
    assert text.endswith("60000\n(exit code 0)")
    left = re.search(r"([\d,]+) bytes are left out here; `read_output` of (\S+) from offset (\d+)", text)
    assert left is not None
    whole = bench.output("terminal-call-1")
    assert whole == b"".join(b"%d\r\n" % number for number in range(1, 60001))
    offset = int(left.group(3))
    part = await bench.text("read_output", id=left.group(2), offset=offset, length=1000)
    assert part.startswith(plain(whole[offset : offset + 1000]))
    middle = await bench.text("read_output", id=left.group(2), offset=200_000, length=1000)
    assert middle.startswith(plain(whole[200_000:201_000]))
    assert "nothing at byte" in await bench.error("read_output", id=left.group(2), offset=10**9)


async def test_a_prompt_is_noticed_and_the_person_is_told(bench: ToolBench) -> None:
    result = await bench.call("shell", command="printf 'Continue? '; read answer; echo $answer", wait=20)
    assert "waits for input" in result.text
    (raised,) = bench.of("attention_raised")
    assert "waits for a line of input" in raised.attention_raised.text
    assert "yes\n(exit code 0" in await bench.text("shell_input", id=handle(result), text="yes", wait=20)
    assert len(bench.of("attention_cleared")) == 1


async def test_a_password_is_only_the_persons_to_type(bench: ToolBench) -> None:
    result = await bench.call("shell", command="read -s -p 'Password: ' word; echo; echo done", wait=20)
    assert "only the person can type" in result.text
    assert "only the person types" in await bench.error("shell_input", id=handle(result), text="guess")
    patient = dict.fromkeys(InputWait, PATIENCE)
    waited_for = asyncio.create_task(bench.session.handles.find(handle(result)).until_settled(0.05, patient))
    await asyncio.sleep(0.2)
    assert not waited_for.done(), "the person has their time, however short the model's is"
    bench.session.terminals.write(handle(result), b"secret\r")
    await waited_for
    told = await bench.text("shell_wait", id=handle(result))
    assert "done\n(exit code 0" in told
    assert told.endswith("the person typed into its terminal meanwhile)")
    assert b"secret" not in b"".join(event.SerializeToString() for event in bench.events)


async def test_a_person_who_answers_in_time_is_waited_for(ground: Ground, sandbox: Sandbox) -> None:
    bench = await new_bench(ground, sandbox, patience=dict.fromkeys(InputWait, PATIENCE))

    async def answer() -> None:
        await until(lambda: len(bench.of("attention_raised")) == 1, "attention is raised")
        bench.session.terminals.write("terminal-call-1", b"hunter2\r")

    answering = asyncio.create_task(answer())
    told = await bench.text("shell", command="read -s -p 'Password: ' word; echo; echo ${#word}")
    await answering
    assert "7\n(exit code 0" in told
    assert "the person typed into its terminal" in told
    assert len(bench.of("attention_cleared")) == 1
    assert b"hunter2" not in b"".join(event.SerializeToString() for event in bench.events)
    await bench.close()


@pytest.mark.parametrize("program", ["less -X /etc/passwd /etc/group", "vi -u NONE file", "nano file"])
async def test_a_pager_and_an_editor_are_noticed(ground: Ground, unwalled: Sandbox, program: str) -> None:
    require_tool(program.split()[0])
    bench = await new_bench(ground, unwalled)
    told = await bench.text("shell", command=f"TERM=xterm LESS= {program}", wait=30)
    assert "waits for keys, as a pager or an editor does" in told
    (raised,) = bench.of("attention_raised")
    assert "waits for keys" in raised.attention_raised.text
    await bench.close()


async def test_values_of_the_context_are_there_and_in_no_output(bench: ToolBench) -> None:
    bench.session.redactor = Redactor({"TOKEN": "hunter2-hunter2"})
    text = await bench.text("shell", command="echo hunter2-hunter2; printf hunter2-hunter2 | base64")
    assert text == "[secret TOKEN]\n[secret TOKEN]=\n(exit code 0)" or "hunter2" not in text
    assert b"hunter2" not in bench.output("terminal-call-1")


async def test_commands_of_a_model_ask_nothing(bench: ToolBench) -> None:
    assert (await bench.text("shell", command="echo $PAGER $GIT_PAGER $GIT_TERMINAL_PROMPT")).startswith("cat cat 0\n")


async def test_a_model_has_no_network_until_it_is_opened(walled_bench: ToolBench) -> None:
    line = "ls /sys/class/net 2>/dev/null; (echo >/dev/tcp/1.1.1.1/80) 2>&1 | grep -o 'Network is unreachable'"
    assert "Network is unreachable" in await walled_bench.text("shell", command=line)
    interfaces = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort | tr '\\n' ' '"
    assert (await walled_bench.text("shell", command=interfaces)).startswith("lo\n")
    walled_bench.policy.network.mode = Network.MODE_OPEN
    assert (await walled_bench.text("shell", command=interfaces)).split("\n")[0].split() == _interfaces()


def _interfaces() -> list[str]:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    return sorted(line.partition(":")[0].strip() for line in lines)


async def test_what_runs_by_itself_cannot_be_changed_by_a_command(walled_bench: ToolBench) -> None:
    workspace = walled_bench.workspace
    (workspace / ".git/hooks").mkdir(parents=True)
    (workspace / ".git/config").write_text("[core]\n")
    (workspace / "AGENTS.md").write_text("Be good.\n")
    line = "echo x >>AGENTS.md; echo x >.git/hooks/pre-commit; echo x >>.git/config; mv .git y; echo fine >.git/other"
    told = await walled_bench.text("shell", command=line)
    assert told.count("Read-only file system") == 3
    assert "busy" in told
    assert (workspace / ".git/config").read_text() == "[core]\n"
    assert (workspace / "AGENTS.md").read_text() == "Be good.\n"
    assert (workspace / ".git/other").read_text() == "fine\n"


async def test_what_a_command_plants_is_told(bench: ToolBench) -> None:
    told = await bench.text("shell", command="echo evil >.envrc; mkdir .vscode; echo x >.vscode/tasks.json")
    assert ".envrc" in told
    warned = [event.log_line.text for event in bench.of("log_line")]
    assert any(".vscode" in words for words in warned)


async def test_limits_end_a_command_with_a_word(walled_bench: ToolBench) -> None:
    session = walled_bench.session
    session.place = replace(session.place, limits=CommandLimits(file_size=4 << 20, processes=50))
    assert "larger than it may" in await walled_bench.text("shell", command="exec head -c 50G /dev/zero >big")
    assert "File size limit exceeded" in await walled_bench.text("shell", command="head -c 50G /dev/zero >big; echo on")
    assert (walled_bench.workspace / "big").stat().st_size == 4 << 20
    if os.geteuid() == 0:
        line = "for i in $(seq 200); do sleep 60 & done; sleep 60"
        assert "more than 50 processes" in await walled_bench.text("shell", command=line)


async def test_a_tool_that_names_no_command_is_told_which_there_are(bench: ToolBench) -> None:
    assert "there are none" in await bench.error("shell_wait", id="terminal-x")
    await bench.text("shell", command="true")
    assert "terminal-call-2" in await bench.error("shell_wait", id="terminal-x")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x", "red x"),
        (b" 10%\r 50%\r100%\r\ndone", "100%\ndone"),
        (b"ab\x08c", "ac"),
        (b"\xff\xfe ok \x07\x00", "\ufffd\ufffd ok "),
        (b"\x1b[?2004h\x1b(B\x1b=text\x1bP1$r0m\x1b\\", "text"),
        (b"line\r\n\x1b[2K\rnext", "line\nnext"),
    ],
)
def test_a_terminals_output_is_plain_text_for_a_model(data: bytes, text: str) -> None:
    assert plain(data) == text


def test_a_spool_keeps_both_ends(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("spool") / "x.out"
    spool = Spool(path, largest=3 * AT_HAND)
    data = bytes(range(256)) * 2048
    for start in range(0, len(data), 5000):
        spool.take(data[start : start + 5000])
    head, left, tail = spool.ends(100, 200)
    assert (head, left, tail) == (data[:100], len(data) - 300, data[-200:])
    assert spool.read(AT_HAND + 10, 50) == data[AT_HAND + 10 : AT_HAND + 60]
    assert spool.kept == 3 * AT_HAND
    assert spool.read(3 * AT_HAND + 10, 50) == b""
    assert spool.read(len(data) - 50, 100) == data[-50:]
    assert spool.since(len(data) - 10, 100) == (data[-10:], 0)
    assert spool.since(0, 100) == (data[-100:], len(data) - 100)
    spool.close()
    assert not path.exists()
