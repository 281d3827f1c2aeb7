"""What a person types reaches the program, and a program that does not read is no trouble."""

import asyncio
import hashlib

import pytest

from stigmer_runner.sandbox import CommandEnded, InputQueueFull, InputWait, Outcome, RunningCommand
from tests.sandbox.driver import PATIENCE, Shell, end, until
from tests.sandbox.test_cancel import NAP, sleepers
from tests.support.require import require_tool


async def test_what_is_typed_is_read(shell: Shell) -> None:
    command, output = await shell.start("read -r name; echo hello $name")
    command.write("Wörld\n".encode())
    assert (await end(command)).exit_code == 0
    assert output.decode() == "Wörld\r\nhello Wörld\r\n"


async def test_a_pasted_text_is_read_whole_and_in_order(shell: Shell) -> None:
    text = "".join(f"line {number}\n" for number in range(20_000)).encode()
    command, output = await shell.start(
        f"stty -echo raw; echo ready; head -c {len(text)} | sha256sum; head -c 1 >/dev/null"
    )
    await until(lambda: b"ready" in output, "the line is ready")
    sent = 0
    async with asyncio.timeout(PATIENCE):
        while sent < len(text):
            try:
                command.write(text[sent : sent + 8192])
            except InputQueueFull:
                await asyncio.sleep(0.005)
            else:
                sent += 8192
        command.write(b"x")
        await end(command)
    assert hashlib.sha256(text).hexdigest().encode() in output


async def flood(command: RunningCommand, taken: list[int]) -> None:
    """Write for ever, counting what was taken."""
    while True:
        command.write(b"x" * 4096)
        taken.append(4096)
        await asyncio.sleep(0)


async def test_the_input_of_a_program_that_never_reads_is_bounded(shell: Shell) -> None:
    command, output = await shell.start("stty raw -echo; echo ready; sleep 1000")
    await until(lambda: b"ready" in output, "the line is ready")
    taken: list[int] = []
    with pytest.raises(InputQueueFull, match="does not read its input"):
        await flood(command, taken)
    assert 64 * 1024 - 4096 <= sum(taken) < 200_000
    await asyncio.sleep(0.05)
    async with asyncio.timeout(PATIENCE):
        await command.cancel()
    with pytest.raises(CommandEnded):
        command.write(b"y")


async def test_interrupt_ends_the_program_and_a_program_may_catch_it(shell: Shell) -> None:
    command, _ = await shell.start(f"sleep {NAP}")
    await until(lambda: len(sleepers()) == 1, "it sleeps")
    command.write(b"\x03")
    result = await end(command)
    assert (result.outcome, result.exit_code, result.signal) == (Outcome.SIGNALLED, 130, 2)
    command, output = await shell.start(f"trap 'echo caught' INT; sleep {NAP}; echo on; exit 3")
    await until(lambda: len(sleepers()) == 1, "it sleeps")
    command.write(b"\x03")
    assert (await end(command)).exit_code == 3
    assert output == b"^Ccaught\r\non\r\n"


async def test_interrupt_reaches_a_program_that_handles_it(shell: Shell) -> None:
    program = (
        "import time\ntry:\n  print('ready', flush=True); time.sleep(1000)\nexcept KeyboardInterrupt:\n  print('kept')"
    )
    command, output = await shell.start(f'python3 -c "{program}"; echo $?')
    await until(lambda: b"ready" in output, "the program is ready")
    command.write(b"\x03")
    await end(command)
    assert b"kept\r\n" in output


async def test_end_of_file_ends_a_reader(shell: Shell) -> None:
    command, output = await shell.start("cat; echo over")
    command.write(b"a\n\x04")
    assert (await end(command)).exit_code == 0
    assert output == b"a\r\na\r\nover\r\n"


async def test_job_control_works(shell: Shell) -> None:
    command, output = await shell.start("bash --norc --noprofile -i")
    for typed, answer in (
        ("PS1='> '\n", b"> "),
        ("sh -c 'echo \"g\"o; exec sleep 1000'\n", b"go\r\n"),
        ("\x1a", b"Stopped"),
        ("jobs\n", b"[1]+  Stopped"),
        ("kill -9 %1; wait %1; echo $((40 + 2))\n", b"42\r\n"),
        ("\n", b"> "),
    ):
        seen = len(output)
        command.write(typed.encode())
        await until(lambda seen=seen, answer=answer: answer in output[seen:], f"{typed!r} is answered")
    command.write(b"exit 9\n")
    assert (await end(command)).exit_code == 9
    assert b"no job control" not in output


async def test_the_terminal_has_a_name(shell: Shell) -> None:
    told = await shell.run(
        "tty >/dev/null && echo named; [ -t 0 ] && [ -t 1 ] && echo terminal; : </dev/tty && echo controlling"
    )
    assert told.text == "named\nterminal\ncontrolling\n"


WAITS = [
    pytest.param("read -p 'name? ' x", InputWait.LINE, None, id="read"),
    pytest.param("read -s -p 'Password: ' x", InputWait.PASSWORD, None, id="read -s"),
    pytest.param("python3 -c 'import getpass; getpass.getpass()'", InputWait.PASSWORD, "python3", id="getpass"),
    pytest.param("python3 -c 'input()'", InputWait.LINE, "python3", id="input"),
    pytest.param("cat", InputWait.LINE, None, id="cat"),
    pytest.param("cat | tr a b", InputWait.LINE, None, id="pipeline"),
    pytest.param("sh -c 'cat </dev/tty'", InputWait.LINE, None, id="controlling terminal"),
    pytest.param("less /etc/passwd", InputWait.KEY, "less", id="less"),
    pytest.param("vim -u NONE", InputWait.KEY, "vim", id="vim"),
    pytest.param("bash --norc -i", InputWait.KEY, None, id="readline"),
    pytest.param("stty -icanon -echo; head -c 1", InputWait.KEY, None, id="one key"),
    pytest.param("set -m; cat", InputWait.LINE, None, id="job control"),
]

BUSY = [
    pytest.param("sleep 1000", id="sleep"),
    pytest.param("while :; do :; done", id="spin"),
    pytest.param("cat </dev/zero >/dev/null", id="copies"),
    pytest.param("sleep 1000 | cat", id="reads a pipe"),
    pytest.param("(trap '' TTIN; cat) & sleep 1000", id="reader in the background"),
    pytest.param("mkfifo f; cat f", id="reads a fifo"),
]


async def started(shell: Shell, line: str) -> RunningCommand:
    command, output = await shell.start(f"echo started; {line}")
    await until(lambda: b"started" in output, "the line starts")
    return command


@pytest.mark.parametrize(("line", "wait", "tool"), WAITS)
async def test_a_program_that_waits_for_input_is_seen(
    shell: Shell, line: str, wait: InputWait, tool: str | None
) -> None:
    if tool:
        require_tool(tool)
    command = await started(shell, line)
    await until(lambda: command.waiting_for() is wait, f"{line} waits for {wait}, seen {command.waiting_for()}")
    await command.cancel()
    assert command.waiting_for() is None


@pytest.mark.parametrize("line", BUSY)
async def test_a_busy_program_is_not_taken_for_a_waiting_one(shell: Shell, line: str) -> None:
    command = await started(shell, line)
    for _ in range(20):
        await asyncio.sleep(0.01)
        assert command.waiting_for() is None
    await command.cancel()


async def test_answering_a_password_ends_the_wait(shell: Shell) -> None:
    command = await started(shell, "read -s x; echo; sleep 1000")
    await until(lambda: command.waiting_for() is InputWait.PASSWORD, "it asks")
    command.write(b"secret\n")
    await until(lambda: command.waiting_for() is None, "it goes on")
    await command.cancel()
