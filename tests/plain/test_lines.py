"""Line mode from the outside: over a pipe, in a terminal that can do nothing, and in one that edits lines."""

import re

import pytest

from stigmer_tui.actions.places import places_by_name
from stigmer_tui.plain.commands import BY_NAME, COMMANDS
from tests.plain.conftest import Talk
from tests.support.workstation import Workstation

HOSTILE = r"printf '\033]52;c;aGk=\007\033[2J\033[31mred\033[0m \033[5;5Hmoved\r\nhalf\rfull\nlast'"


def told(home: Workstation, *lines: str, options: tuple[str, ...] = ()) -> str:
    """What line mode says to these lines, over a pipe."""
    done = home.run("tui", "--plain", *options, stdin="".join(f"{line}\n" for line in lines).encode())
    assert done.stderr == b""
    return done.stdout.decode()


def test_a_pipe_browses_runs_follows_reads_and_goes_on(home: Workstation) -> None:
    shown = told(
        home,
        "start echo $((6*7)); exit 3",
        "runs",
        "1",
        "find /4[0-9]$/",
        "send echo again > kept; cat kept",
        ":runs done",
        "agents shell",
        "#1",
        "get agents -o name",
        "folow",
        "99",
        "quit",
        "start echo never",
    )
    assert "person: echo $((6*7)); exit 3\noutput: 42\nshell: exit 3" in shown
    assert "The run is completed.\n" in shown
    assert re.search(r"1\. completed, shell, echo \$\(\(6\*7\)\); exit 3, \d+s ago, exit 3, last line: 42", shown)
    assert "output: 42\n1 line matches." in shown
    assert "output: again" in shown
    assert "Kind:     Agent" in shown
    assert "agent/shell" in shown
    assert "There is no command folow: did you mean follow?" in shown
    assert "There is no number 99" in shown
    assert shown.endswith("Goodbye. Everything that runs goes on.\n")
    assert "never" not in shown


def test_output_is_said_as_it_looks_and_nothing_of_it_reaches_the_terminal(home: Workstation, talk: Talk) -> None:
    with talk() as talking:
        talking.say(f"start {HOSTILE}")
        talking.until("The run is completed.")
        talking.until("stigmer> ")
        talking.say("logs")
        logs = talking.until("stigmer> ")
        talking.leave()
    assert "\x1b" not in talking.shown
    assert "\x07" not in talking.shown
    assert "output: full\r\n" in talking.shown
    assert "output: last\r\n" in talking.shown
    assert "full\r\nlast\r\n" in logs


def test_ctrl_c_leaves_the_run_and_a_line_can_be_typed_into_it_and_stopping_asks_first(talk: Talk) -> None:
    with talk() as talking:
        talking.say("start echo ready; read -r line; echo got $line; sleep 600")
        talking.until("output: ready")
        talking.dialogue.say("\x03")
        talking.until("The run goes on")
        talking.until("stigmer> ")
        talking.say("type hello there")
        talking.until("Typed.")
        talking.say("follow")
        talking.until("output: got hello there")
        talking.dialogue.say("\x03")
        talking.until("The run goes on")
        talking.until("stigmer> ")
        talking.say("stop")
        talking.until("Type yes to stop it: ")
        talking.say("y")
        talking.until("It was not stopped.")
        talking.say("stop")
        talking.until("Type yes to stop it: ")
        talking.say("yes")
        talking.until("It is stopped.")
        talking.say("runs cancelled")
        talking.until("1. cancelled, shell, echo ready; read")
        talking.until("stigmer> ")
        talking.leave()


def test_a_terminal_that_edits_lines_completes_commands(talk: Talk) -> None:
    with talk(term="vt100") as talking:
        talking.dialogue.say("wher\t\n")
        talking.until("The next run is started with shell.")
        talking.until("stigmer> ")
        talking.dialogue.say("agent assi\t\n")
        talking.until("The next run is started with assistant.")
        talking.leave()


def test_a_server_that_is_not_there_is_said_and_ends_it(home: Workstation) -> None:
    environment = {**home.environment, "STIGMER_API_KEY": "none"}
    nobody = Workstation(home.home, environment)
    done = nobody.run("tui", "--plain", "--remote", "127.0.0.1:1", code=None, stdin=b"runs\n")
    assert done.returncode not in (0, 1)
    assert b"What helps: " in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", [each.name for each in COMMANDS])
def test_every_command_has_words_of_its_own(name: str) -> None:
    command = BY_NAME[name]
    assert command.help.endswith(".")
    assert name not in {alias for each in COMMANDS if each is not command for alias in each.aliases}


def test_what_the_workstation_knows_by_name_is_known_here() -> None:
    wanted = {"runs", "view", "run", "session", "agent", "agents", "workflows", "skills", "mcp", "environments"}
    for name in (*wanted, "sessions", "help", "q"):
        place = places_by_name()[name]
        assert BY_NAME[name] is BY_NAME[place.name]
        assert all(BY_NAME[alias] is BY_NAME[place.name] for alias in place.aliases), place
