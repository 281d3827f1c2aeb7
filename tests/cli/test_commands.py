"""The commands, from the outside: a real home, daemon and runner, and what a person or a script sees of them."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from tests.support.workstation import Workstation, new_workstation


@pytest.fixture(scope="module")
def workstation() -> Generator[Workstation]:
    with new_workstation() as made:
        yield made


def test_a_line_runs_and_its_output_comes_back(workstation: Workstation) -> None:
    done = workstation.run("run", "shell", "--message", "echo $((6*7))", "--follow")
    assert done.stdout == b"42\n"
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("line", "code"),
    [("true", 0), ("exit 7", 7), ("exit 255", 255), ("no-such-program-here", 127), ("kill -KILL $$", 137)],
)
def test_the_last_commands_exit_code_passes_through(workstation: Workstation, line: str, code: int) -> None:
    workstation.run("run", "shell", "--message", line, code=code)


def test_a_pipe_gets_the_line_ends_of_a_file_and_raw_gets_the_terminals(workstation: Workstation) -> None:
    line = r"printf 'a\nb\rc\n'"
    assert workstation.run("run", "shell", "-m", line).stdout == b"a\nb\rc\n"
    assert workstation.run("run", "shell", "-m", line, "--raw").stdout == b"a\r\nb\rc\r\n"


def test_bytes_are_never_decoded_on_the_way(workstation: Workstation) -> None:
    line = r"stty -opost; head -c 300000 /dev/zero | tr '\0' '\377'; printf '\200\303'"
    assert workstation.run("run", "shell", "-m", line, "--raw").stdout == b"\xff" * 300_000 + b"\x80\xc3"


def test_a_message_may_come_from_standard_input(workstation: Workstation) -> None:
    assert (
        workstation.run("run", "shell", "-m", "-", stdin=b"for i in 1 2 3; do\n  echo line $i\ndone\n").stdout
        == b"line 1\nline 2\nline 3\n"
    )


def test_detach_prints_the_id_alone_on_its_last_line_and_logs_shows_the_rest(workstation: Workstation) -> None:
    shown = workstation.run("run", "shell", "-m", "echo one; sleep 0.3; echo two", "--detach").stdout.decode()
    execution_id = shown.splitlines()[-1]
    assert re.fullmatch(r"aex-[0-9a-z]{26}", execution_id)
    assert workstation.run("logs", execution_id, "-f").stdout == b"one\ntwo\n"
    assert workstation.run("logs", execution_id).stdout == b"one\ntwo\n"


def test_json_prints_every_event_once_with_dense_sequences(workstation: Workstation) -> None:
    execution_id = workstation.detach("echo one; echo two")
    workstation.run("logs", execution_id, "-f")
    events = workstation.events(execution_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert "executionCreated" in events[0]
    assert events[-1]["phaseChanged"]["phase"] == "EXECUTION_COMPLETED"
    later = workstation.events(execution_id, "--since", "3")
    assert later == events[2:]
    assert workstation.events(execution_id, "--since", "1h") == events


def test_a_message_sent_meanwhile_runs_next(workstation: Workstation, tmp_path: Path) -> None:
    execution_id = workstation.detach(
        f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo first", "--workspace", str(tmp_path)
    )
    workstation.run("send", execution_id, "echo second")
    (tmp_path / "go").touch()
    assert workstation.run("logs", execution_id, "-f").stdout == b"first\nsecond\n"
    refused = workstation.run("send", execution_id, "echo third", code=79)
    assert b"ended" in refused.stderr


def test_directory_and_variables_carry_over_within_a_session(workstation: Workstation, tmp_path: Path) -> None:
    first = workstation.detach("mkdir -p sub; cd sub; export COLOUR=blue", "--workspace", str(tmp_path))
    workstation.run("logs", first, "-f")
    session = workstation.events(first)[0]["executionCreated"]["sessionId"]
    shown = (
        workstation.run("run", "shell", "-m", "pwd; echo $COLOUR", "--session", session).stdout.decode().splitlines()
    )
    assert shown == [str(tmp_path / "sub"), "blue"]


def test_cancel_stops_the_run_and_says_so(workstation: Workstation) -> None:
    execution_id = workstation.detach("echo started; sleep 600")
    workstation.until(lambda: b"started" in workstation.run("logs", execution_id).stdout, "the line has started")
    assert workstation.run("cancel", execution_id).stdout.decode() == f"{execution_id} stopped\n"
    assert workstation.phase(execution_id) == "EXECUTION_CANCELLED"
    assert b"had ended already" in workstation.run("cancel", execution_id).stdout
    finished = [event["toolCallFinished"] for event in workstation.events(execution_id) if "toolCallFinished" in event]
    assert finished[0]["outcome"] == "TOOL_OUTCOME_CANCELLED"
    assert any("sleep" in killed["command"] for killed in finished[0]["killed"])


def test_a_followed_run_that_is_cancelled_has_an_exit_code_of_its_own(workstation: Workstation) -> None:
    process = workstation.start("run", "shell", "-m", "echo started; sleep 600")
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    rows = json.loads(workstation.run("get", "executions", "-o", "json", "--phase", "in-progress").stdout)
    workstation.run("cancel", next(row["executionId"] for row in rows if row["subject"].startswith("echo started")))
    process.communicate(timeout=30)
    assert process.returncode == 81


def test_ctrl_c_leaves_the_run_running(workstation: Workstation, tmp_path: Path) -> None:
    line = f"echo started; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo finished"
    process = workstation.start("run", "shell", "-m", line, "--workspace", str(tmp_path))
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    (tmp_path / "go").touch()
    row = json.loads(workstation.run("get", "executions", "-o", "json").stdout)[0]
    assert workstation.run("logs", row["executionId"], "-f").stdout == b"started\nfinished\n"


def test_signals_mean_what_they_mean_also_where_it_was_started_in_the_background() -> None:
    with new_workstation() as workstation:
        words = ["sh", "-c", 'trap "" INT QUIT HUP; exec "$@"', "sh"]
        words += workstation.command("run", "shell", "-m", "sh -c 'kill -INT $$; echo alive'; echo $?")
        done = subprocess.run(words, capture_output=True, env=workstation.environ(), timeout=60, check=False)
        assert done.stdout == b"130\n", done.stderr


def test_a_reader_that_leaves_is_no_error(workstation: Workstation) -> None:
    process = workstation.start("run", "shell", "-m", "yes | head -n 200000")
    assert process.stdout is not None
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    assert process.stderr is not None
    complaint = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert complaint == b""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "nobody", "-m", "x"], 66, "nobody"),
        (["run", "shell", "-m", ""], 65, "message"),
        (["run", "shell", "-m", "x", "--session", "ses-nope"], 66, "ses-nope"),
        (["run", "shell", "-m", "x", "--workspace", "/no/such/directory"], 65, "/no/such/directory"),
        (["run", "shell", "-m", "x", "--workspace", "/etc/passwd"], 65, "directory"),
        (["run", "shell", "-m", "x", "--workspace", "/"], 65, "/"),
        (["logs", "aex-nope"], 66, "aex-nope"),
        (["logs", "aex-nope", "-f"], 66, "aex-nope"),
        (["send", "aex-nope", "x"], 66, "aex-nope"),
        (["cancel", "aex-nope"], 66, "aex-nope"),
        (["logs", "aex-nope", "--since", "yesterday"], 64, "yesterday"),
        (["get", "unicorns"], 64, "unicorns"),
        (["run", "shell"], 64, "--message"),
        (["attach", "aex-nope"], 64, "terminal"),
        (["tui"], 64, "terminal"),
    ],
)
def test_bad_input_is_said_in_words(workstation: Workstation, arguments: list[str], code: int, words: str) -> None:
    done = workstation.run(*arguments, code=code)
    assert words in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert done.stdout == b""


def test_escapes_in_what_a_person_types_do_not_reach_the_terminal(workstation: Workstation) -> None:
    done = workstation.run("run", "\x1b]0;evil\x07agent[@click=app.quit]", "-m", "x", code=None)
    assert done.returncode in (65, 66)
    assert b"\x1b" not in done.stderr


def test_a_message_of_ten_megabytes_works_and_one_of_twenty_is_refused_with_the_limit(workstation: Workstation) -> None:
    big = b": " + b"x" * 10_000_000 + b"\necho done\n"
    assert workstation.run("run", "shell", "-m", "-", stdin=big).stdout == b"done\n"
    refused = workstation.run("run", "shell", "-m", "-", stdin=b"x" * 20_000_000, code=65)
    assert "16 MiB" in refused.stderr.decode()


def test_lists_are_tables_and_json(workstation: Workstation) -> None:
    execution_id = workstation.detach("echo listed")
    workstation.run("logs", execution_id, "-f")
    table = workstation.run("get", "executions").stdout.decode().splitlines()
    assert table[0].split() == ["ID", "PHASE", "AGENT", "AGE", "EXIT", "SUBJECT"]
    assert table[1].startswith(execution_id)
    agents = json.loads(workstation.run("get", "agents", "-o", "json").stdout)
    assert [agent["metadata"]["slug"] for agent in agents] == ["assistant", "shell"]
    assert "shell" in workstation.run("get", "agents").stdout.decode()
    assert json.loads(workstation.run("get", "sessions", "-o", "json").stdout)
    found = json.loads(workstation.run("get", "executions", "-o", "json", "--text", "LISTED").stdout)
    assert execution_id in [row["executionId"] for row in found]


def test_status_and_doctor_say_how_each_part_does(workstation: Workstation) -> None:
    workstation.run("run", "shell", "-m", "true")
    status = workstation.status()
    assert psutil.pid_exists(status["pid"])
    assert status["store"]["healthy"]
    assert len(status["sockets"]) == 2
    assert status["runners"][0]["connected"]
    assert psutil.pid_exists(status["runners"][0]["pid"])
    assert "daemon" in workstation.run("server", "status").stdout.decode()
    findings = workstation.run("doctor", code=None).stdout.decode()
    for subject in ("home", "records", "daemon", "store", "runner", "sandbox", "socket"):
        assert subject in findings
    assert workstation.run("server", "logs").stdout


def test_restart_keeps_what_runs(workstation: Workstation, tmp_path: Path) -> None:
    line = f"echo before; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo after"
    execution_id = workstation.detach(line, "--workspace", str(tmp_path))
    workstation.until(lambda: b"before" in workstation.run("logs", execution_id).stdout, "the line has started")
    pid = workstation.status()["pid"]
    workstation.run("server", "restart")
    assert workstation.status()["pid"] != pid
    (tmp_path / "go").touch()
    assert workstation.run("logs", execution_id, "-f").stdout == b"before\nafter\n"


def test_stop_stops_everything_and_status_starts_nothing() -> None:
    with new_workstation() as workstation:
        assert workstation.run("server", "status", code=69).stdout == b""
        assert workstation.processes() == []
        execution_id = workstation.detach("sleep 600")
        workstation.until(lambda: workstation.phase(execution_id) == "EXECUTION_IN_PROGRESS", "it runs")
        assert b"stopped" in workstation.run("server", "stop").stdout
        workstation.until(lambda: workstation.processes() == [], "no process is left")
        assert workstation.phase(execution_id) == "EXECUTION_CANCELLED"


def test_ten_who_start_it_at_once_get_one_daemon() -> None:
    with new_workstation() as workstation:
        started = [workstation.start("run", "shell", "-m", f"echo {number}") for number in range(10)]
        for number, process in enumerate(started):
            shown, complaint = process.communicate(timeout=120)
            assert (process.returncode, shown) == (0, f"{number}\n".encode()), complaint
        daemons = workstation.processes_of("stigmer_backend.daemon")
        assert len(daemons) == 1


def test_an_unusable_home_is_said_in_words() -> None:
    with new_workstation() as workstation:
        workstation.home.write_text("a file")
        done = workstation.run("get", "agents", code=78)
        assert str(workstation.home) in done.stderr.decode()
    with new_workstation() as workstation:
        too_long = Workstation(workstation.home.parent / ("x" * 90))
        done = too_long.run("get", "agents", code=78)
        assert "STIGMER_HOME" in done.stderr.decode()


def test_the_version_is_answered_before_anything_is_imported(workstation: Workstation) -> None:
    code = "import sys; sys.argv = ['stigmer', '--version']; from stigmer_tui.__main__ import main; main(); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=workstation.environ())
    assert done.stdout.startswith(b"stigmer ")
    for heavy in (b"click", b"grpc", b"google.protobuf", b"textual", b"asyncio"):
        assert b"'" + heavy + b"'" not in done.stderr
    assert workstation.run("version").stdout.startswith(done.stdout)


@pytest.mark.parametrize("where", ["while it imports", "in the command"])
def test_ctrl_c_pressed_again_and_again_ends_a_command_without_a_traceback(where: str) -> None:
    code = (
        "import signal, sys\n"
        "from stigmer_tui import __main__, cli\n"
        "def press(*_):\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        + (
            "import importlib.abc\n"
            "class Pressing(importlib.abc.MetaPathFinder):\n"
            "    def find_spec(self, name, path, target=None):\n"
            "        if name == 'stigmer_tui.cli.root': press()\n"
            "sys.meta_path.insert(0, Pressing())\n"
            if where == "while it imports"
            else "import stigmer_tui.cli.root as root\nroot.importlib.import_module = press\n"
        )
        + "sys.argv = ['stigmer', 'get', 'agents']\n"
        "code = __main__.main()\n"
        "press()\n"
        "sys.exit(code)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.strip()) == (130, "")
