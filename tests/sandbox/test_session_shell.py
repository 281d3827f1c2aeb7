"""The line that is a shell of the session: it starts where the last line left off, and the next one starts where it was left."""

import os

import pytest

from stigmer_apis.protocol import SESSION_SHELL
from stigmer_runner.sandbox import InputWait, Outcome, session_shell
from tests.sandbox.driver import Shell, end, until


def test_app_and_sandbox_mean_the_same_line() -> None:
    assert session_shell.LINE == SESSION_SHELL


async def test_it_starts_where_the_last_line_ended_and_hands_back_where_it_was_left(shell: Shell) -> None:
    await shell.run("mkdir -p deep; cd deep; export A=1 B=2 C='it is'")
    command, output = await shell.start(SESSION_SHELL)
    await until(lambda: output.endswith((b"$ ", b"# ")) or b"\x1b[?2004h" in output, "the prompt")
    await until(lambda: command.waiting_for() is InputWait.KEY, "it reads keys")
    command.write(b'echo "[$A$C]" && cd .. && export A="x\\y z" D=$\'two\\nlines\' && unset B\r')
    await until(lambda: b"[1it is]" in output, "it has the variables")
    command.write(b"exit 7\r")
    result = await end(command)
    assert (result.outcome, result.exit_code) == (Outcome.EXITED, 7)
    shell.state = result.state
    told = await shell.run('pwd; printf "%s|" "$A" "${B-unset}" "$C" "$D"; env | grep -c STIGMER_KEPT')
    assert told.text == f"{shell.workspace}\nx\\y z|unset|it is|two\nlines|0\n"


async def test_job_control_and_the_end_of_input_work_in_it(shell: Shell) -> None:
    command, output = await shell.start(SESSION_SHELL)
    await until(lambda: command.waiting_for() is InputWait.KEY, "the prompt")
    command.write(b"sh -c 'echo u''p; exec sleep 1000'\r")
    await until(lambda: b"up\r\n" in output, "it runs")
    command.write(b"\x1a")
    await until(lambda: b"Stopped" in output, "it is stopped")
    command.write(b"kill %1; cat\r")
    await until(lambda: command.waiting_for() is InputWait.LINE, "cat reads")
    command.write(b"\x04")
    await until(lambda: command.waiting_for() is InputWait.KEY, "the prompt again")
    command.write(b"\x04")
    assert (await end(command)).outcome is Outcome.EXITED


async def test_ended_from_outside_it_leaves_nothing_and_the_state_of_before(shell: Shell) -> None:
    await shell.run("cd /usr; export A=1")
    command, _ = await shell.start(SESSION_SHELL)
    await until(lambda: command.waiting_for() is InputWait.KEY, "the prompt")
    command.write(b"cd /bin; sleep 1000 &\r")
    await until(lambda: command.waiting_for() is InputWait.KEY, "the prompt again")
    await command.cancel()
    result = await end(command)
    assert result.outcome is Outcome.CANCELLED
    assert (result.state.directory, result.state.variables["A"]) == ("/usr", "1")
    with pytest.raises(ProcessLookupError):
        os.kill(command.pid, 0)


@pytest.mark.parametrize("line", ["echo session_shell", "session_shell; echo x", "session_shellx"])
async def test_any_other_line_means_nothing_special(shell: Shell, line: str) -> None:
    assert session_shell.definition(line, is_bash=True) == ""
