"""What carries over from one line to the next, and what a line's end is reported as."""

import signal

import pytest

from stigmer_runner.sandbox import Outcome, ShellState
from tests.sandbox.driver import Shell, exited

CARRIED = [
    pytest.param("cd /usr", "pwd", "/usr", id="directory"),
    pytest.param("mkdir -p a/b; cd a/b", "pwd", "{ws}/a/b", id="directory of the workspace"),
    pytest.param("mkdir a; ln -s a l; cd l", "pwd; cd ..; pwd", "{ws}/l\n{ws}", id="directory by a link"),
    pytest.param("cd /usr; cd /", "cd -", "/usr", id="directory before"),
    pytest.param("export A=1", 'echo "$A"', "1", id="variable"),
    pytest.param("A=1; true", 'echo "[$A]"', "[]", id="not exported"),
    pytest.param("export A=1; exit 3", 'echo "$A"', "1", id="exit"),
    pytest.param("f() { export A=1; exit 3; }; f", 'echo "$A"', "1", id="exit in a function"),
    pytest.param("export A=1; (exit 3); (cd /usr; export A=2; exit 4)", 'echo "$A"; pwd', "1\n{ws}", id="subshell"),
    pytest.param("export A=1; exec true", 'echo "[$A]"', "[]", id="exec of a program"),
    pytest.param("export A=1; exec 7>file; echo x >&7", 'echo "$A"; cat file', "1\nx", id="exec of a redirection"),
    pytest.param("set -e; export A=1; false; export A=2", 'echo "$A"', "1", id="errexit"),
    pytest.param("set -u; export A=1; echo $nope; export A=2", 'echo "$A"', "1", id="nounset"),
    pytest.param("export A=1\nfoo (\nexport A=2", 'echo "$A"', "1", id="syntax error"),
    pytest.param("export A=1; trap 'echo bye' EXIT", 'echo "$A"', "1", id="own exit trap"),
    pytest.param("export A=1; trap 'echo bye' EXIT; exit 3", 'echo "$A"', "1", id="own exit trap and exit"),
    pytest.param("export A=1; trap 'exit 9' EXIT; exit", 'echo "$A"', "1", id="exit in an exit trap"),
    pytest.param("export A=1; trap - EXIT", 'echo "$A"', "1", id="exit trap removed"),
    pytest.param("trap 'echo D' DEBUG; export A=1", 'echo "$A"', "1", id="debug trap"),
    pytest.param("set -x; export A=1", 'echo "$A"', "1", id="xtrace"),
    pytest.param("cat <<E\nhi\nE\nexport A='1\n2'", 'echo "$A"', "1\n2", id="here-document and lines"),
    pytest.param("export A=$'\\x01\\t\\xff'", 'printf %s "$A" | od -An -tx1', " 01 09 ff", id="bytes"),
    pytest.param("export A='a'\\''b\"c`d$e\\f'", 'echo "$A"', "a'b\"c`d$e\\f", id="quotes"),
    pytest.param("export A='ä€😀'", 'echo "$A"', "ä€😀", id="unicode"),
    pytest.param("export A=", 'echo "${A-unset}|${A+set}"', "|set", id="empty"),
    pytest.param("export A=1; unset A", 'echo "${A-unset}"', "unset", id="unset again"),
    pytest.param("unset LANG", 'echo "${LANG-unset}"', "unset", id="given one unset"),
    pytest.param("export PATH=/nowhere", 'echo "$PATH"; /bin/pwd', "/nowhere\n{ws}", id="path"),
    pytest.param("export IFS=x; export A='axb c'", 'echo "$A"', "axb c", id="field separator"),
    pytest.param("export POSIXLY_CORRECT=1 A=1", 'echo "$A"; unset POSIXLY_CORRECT', "1", id="posix mode"),
    pytest.param("export BASH_ENV=/dev/null SHELLOPTS; set -f", "echo $BASH_ENV; echo /usr/bi[n]", "/dev/null\n/usr/bin", id="bash's own"),
    pytest.param("export LD_LIBRARY_PATH=/nowhere LD_PRELOAD=/nowhere.so; true", "unset LD_PRELOAD; echo $LD_LIBRARY_PATH", "/nowhere", id="loader"),
    pytest.param("export A=$(head -c 60000 /dev/zero | tr '\\0' x)", "echo ${#A}", "60000", id="long"),
    pytest.param("for i in $(seq 3000); do export V$i=$i; done", "echo $V1 $V3000", "1 3000", id="many"),
    pytest.param("exec 2>&1 >/dev/null; export A=1", 'echo "$A"', "1", id="output elsewhere"),
    pytest.param("exec <&- >&- 2>&-; export A=1", 'echo "$A"', "1", id="output closed"),
    pytest.param("export A=1; ulimit -f 0", 'echo "$A"', "1", id="no file may grow"),
    pytest.param("readonly R=1; export R A=1", 'echo "$R$A"; R=2; echo "$R"', "11\n2", id="read-only is not kept"),
]  # fmt: skip
"""A line, the next one, and what that one prints."""


@pytest.mark.parametrize(("line", "after", "printed"), CARRIED)
async def test_a_line_starts_where_the_last_one_ended(shell: Shell, line: str, after: str, printed: str) -> None:
    await shell.run(line)
    told = await shell.run(after)
    assert told.text.rstrip("\n").split("\n")[-printed.count("\n") - 1 :] == printed.format(ws=shell.workspace).split(
        "\n"
    )


ENDS = [
    pytest.param("true", 0, None, id="true"),
    pytest.param("false", 1, None, id="false"),
    pytest.param("exit 3", 3, None, id="exit"),
    pytest.param("exit 300", 44, None, id="exit past a byte"),
    pytest.param("exit 130", 130, None, id="exit like a signal"),
    pytest.param("exit 137", 137, None, id="exit like a kill"),
    pytest.param("sh -c 'kill -9 $$'", 137, None, id="a child's signal"),
    pytest.param("set -e; sh -c 'kill -9 $$'", 137, None, id="a child's signal and errexit"),
    pytest.param("kill -9 $$; sleep 9", 137, signal.SIGKILL, id="killed"),
    pytest.param("kill $$; sleep 9", 143, signal.SIGTERM, id="terminated"),
    pytest.param("kill -HUP $$; sleep 9", 129, signal.SIGHUP, id="hung up"),
    pytest.param("kill -INT $$; sleep 9", 130, signal.SIGINT, id="interrupted"),
    pytest.param("kill -SEGV $$; sleep 9", 139, signal.SIGSEGV, id="crashed"),
    pytest.param("kill -9 0; sleep 9", 137, signal.SIGKILL, id="the whole group killed"),
    pytest.param("kill 0; exit 5", None, None, id="the whole group terminated"),
    pytest.param("exec sh -c 'exit 7'", 7, None, id="exec"),
    pytest.param("exec sh -c 'kill -9 $$'", 137, signal.SIGKILL, id="exec killed"),
    pytest.param("set -u; echo $nope", None, None, id="nounset"),
    pytest.param("foo (", None, None, id="syntax error"),
    pytest.param("nosuchprogram", 127, None, id="not found"),
    pytest.param("./", 126, None, id="not a program"),
    pytest.param("", 0, None, id="empty"),
    pytest.param("# nothing", 0, None, id="comment"),
    pytest.param("trap 'echo bye; exit 8' EXIT; false", 8, None, id="exit trap's own"),
    pytest.param("trap 'echo bye' TERM; kill $$; exit 4", 4, None, id="signal trapped"),
]


@pytest.mark.parametrize(("line", "code", "number"), ENDS)
async def test_a_lines_end_is_reported_exactly(
    shell: Shell, line: str, code: int | None, number: signal.Signals | None
) -> None:
    result = (await shell.run(line)).result
    if code is None:
        assert result.exit_code != 0
        return
    assert (result.outcome, result.exit_code, result.signal) == (
        Outcome.SIGNALLED if number else Outcome.EXITED,
        code,
        number,
    )


async def test_nothing_of_ours_is_printed(shell: Shell) -> None:
    assert (await shell.run("set -x; true")).text == "++ true\n"
    assert (await shell.run("set -v; true")).text == ""
    assert (await shell.run("trap 'echo D' DEBUG; true; exit")).text == "D\nD\n"
    assert (await shell.run("set -E; trap 'echo E' ERR; false")).text == "E\n"
    assert (await shell.run("echo $0 $#; declare -p BASH_ENV 2>/dev/null")).text == "bash 0\n"


async def test_values_of_the_execution_are_there_and_never_kept(shell: Shell) -> None:
    shell.environment = {"TOKEN": "secret-1", "OTHER": "2"}
    first = await shell.run("echo $TOKEN; export OTHER=mine; export COPY=x")
    assert first.text == "secret-1\n"
    assert first.result.state.variables == {"COPY": "x"}
    shell.environment = {}
    assert (await shell.run('echo "[$TOKEN][$OTHER][$COPY]"')).text == "[][][x]\n"


async def test_a_line_in_a_directory_that_is_gone_starts_in_the_workspace_and_says_so(shell: Shell) -> None:
    await shell.run("mkdir gone; cd gone; rmdir $PWD")
    assert shell.state.directory == f"{shell.workspace}/gone"
    told = await shell.run("pwd")
    assert told.text == (
        f"stigmer: {shell.workspace}/gone is not there any more; starting in {shell.workspace}\n{shell.workspace}\n"
    )
    assert shell.state.directory == str(shell.workspace)


async def test_a_line_of_a_megabyte_runs(shell: Shell) -> None:
    words = "x" * 1_000_000
    told = await shell.run(f"echo '{words}' | wc -c")
    assert told.text.strip() == "1000001"


FIND_PIPE = "for PIPE in /proc/$$/fd/[1-9][0-9][0-9]*; do PIPE=${PIPE##*/}; [ -p /dev/fd/$PIPE ] && break; done"
"""Finds the number of the pipe that the state goes through."""


@pytest.mark.parametrize(
    "noise",
    [
        "head -c 3000000 /dev/urandom >&$PIPE",
        "printf '\\0STIGMER-STATE\\0end\\0000\\0/etc\\0A=1\\0' >&$PIPE",
        "printf '\\0STIGMER-STATE\\0\\0\\0\\0STIGMER-END\\0' >&$PIPE",
        "seq 300000 >&$PIPE & wait",
    ],
)
async def test_noise_on_the_pipe_of_the_state_does_no_harm(shell: Shell, noise: str) -> None:
    told = await shell.run(f"{FIND_PIPE}; cd /usr; {noise}")
    assert exited(told)
    assert told.result.state == ShellState("/usr", {"OLDPWD": str(shell.workspace)})


async def test_a_flood_on_the_pipe_of_the_state_loses_the_state_alone(shell: Shell) -> None:
    before = shell.state
    told = await shell.run(f"{FIND_PIPE}; cd /usr; head -c 40000000 /dev/zero >&$PIPE; echo done; exit 6")
    assert "done" in told.text
    assert exited(told, 6)
    assert told.result.state == before


async def test_a_forged_state_reaches_the_next_line_of_the_same_session_alone(shell: Shell) -> None:
    """The pipe is the command's own: what it says there is what it could have done with `cd` and `export`."""
    forged = "\\0STIGMER-STATE\\0end\\0000\\0/usr\\0A=forged\\0UID=0\\0bad-name=1\\0STIGMER-END\\0"
    await shell.run(f"{FIND_PIPE}; printf '{forged}' >&$PIPE; kill -9 $$")
    assert shell.state == ShellState("/usr", {"A": "forged"}, shell.state.removed)
