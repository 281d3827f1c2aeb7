"""`stigmer replay`: real runs at a real terminal, and the parts of it by themselves."""

import os
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Generator

import pytest

from stigmer_tui.cli.playing import Player
from stigmer_tui.records.pace import FASTEST, SLOWEST, Frame, FrameReader, Pace
from stigmer_tui.terminal.modes import TerminalModes
from stigmer_tui.terminal.raw_terminal import raw_terminal
from stigmer_tui.terminal.replay import QuestionFilter
from tests.cli.dialogue import dialogue
from tests.records.made import BEGUN, Run
from tests.support.waiting import eventually
from tests.support.workstation import Workstation, new_workstation

LINE = r"printf 'one\033[6n\033]52;c;?\007\n'; stty cols 100 rows 30; sleep 0.3; printf '\033[?1049h\033[?1000hscreen\033[?1049l'; echo last"


@pytest.fixture(scope="module")
def home() -> Generator[Workstation]:
    """One home for all."""
    with new_workstation() as workstation:
        yield workstation


@pytest.fixture(scope="module")
def run(home: Workstation) -> str:
    """A run that has ended."""
    execution_id = home.detach(LINE)
    home.run("logs", execution_id, "-f")
    return execution_id


def test_it_plays_at_a_terminal_and_leaves_it_as_it_was(home: Workstation, run: str) -> None:
    with dialogue(home.command("replay", run, "--speed", "50"), home.environ()) as terminal:
        assert terminal.end() == 0
        shown = terminal.shown
    assert "one" in shown
    assert "last" in shown
    assert "$ printf" in shown
    assert "the end" in shown
    assert "\x1b[6n" not in shown
    assert "\x1b]52;" not in shown
    assert shown.rindex("\x1b[?1000l") > shown.rindex("last")
    assert shown.index("\x1b[22;2t") < shown.rindex("\x1b[23;2t")


def test_it_can_be_left(home: Workstation) -> None:
    execution_id = home.detach("echo begun; sleep 2; echo never")
    home.run("logs", execution_id, "-f")
    with dialogue(home.command("replay", execution_id, "--speed", "0.0625"), home.environ()) as terminal:
        terminal.until("begun")
        terminal.leave("q")
        assert terminal.end() == 0
        assert "left" in terminal.shown
        assert "\nnever" not in terminal.shown


def test_without_a_terminal_it_says_what_else_there_is(home: Workstation, run: str) -> None:
    told = home.run("replay", run, code=79)
    assert b"needs a terminal" in told.stderr
    assert b"--speed 0" in told.stderr
    assert told.stdout == b""


def test_everything_at_once_into_a_pipe_is_what_the_terminal_printed(home: Workstation, run: str) -> None:
    printed = home.run("logs", run, "--raw").stdout
    assert b"\x1b[6n" in printed
    assert home.run("replay", run, "--speed", "0").stdout == printed


def test_everything_at_once_at_a_terminal_asks_it_nothing(home: Workstation, run: str) -> None:
    with dialogue(home.command("replay", run, "--speed", "0"), home.environ()) as terminal:
        assert terminal.end() == 0
        assert "last" in terminal.shown
        assert "\x1b[6n" not in terminal.shown
        assert "\x1b[?1000l" in terminal.shown


@pytest.mark.parametrize("options", [("--speed", "-1"), ("--idle", "-1"), ("--speed", "fast")])
def test_what_is_no_pace(home: Workstation, run: str, options: tuple[str, ...]) -> None:
    home.run("replay", run, *options, code=64)


def test_a_run_that_is_not_there(home: Workstation) -> None:
    home.run("replay", "aex-01jd00000000000000000000aa", "--speed", "0", code=66)


QUESTIONS = [
    b"\x1b[c",
    b"\x1b[>c",
    b"\x1b[6n",
    b"\x1b[?6n",
    b"\x1b]11;?\x07",
    b"\x1b]52;c;aGVsbG8=\x1b\\",
    b"\x1bP$qm\x1b\\",
    b"\x1b[?2026$p",
    b"\x1b[14t",
    b"\x05",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_goes_wherever_it_is_cut(question: bytes) -> None:
    data = b"before\x1b[31m" + question + b"after\x1b]2;title\x07\x1b[0m"
    for place in range(len(data) + 1):
        questions = QuestionFilter()
        shown = questions.feed(data[:place]) + questions.feed(data[place:])
        assert shown == b"before\x1b[31mafter\x1b]2;title\x07\x1b[0m"
    questions = QuestionFilter()
    assert b"".join(questions.feed(bytes([byte])) for byte in data) == b"before\x1b[31mafter\x1b]2;title\x07\x1b[0m"


def test_a_string_without_an_end_is_not_held_for_ever() -> None:
    questions = QuestionFilter()
    shown = questions.feed(b"a\x1b]52;c;")
    for _ in range(40):
        shown += questions.feed(b"A" * (1 << 16))
    assert shown.startswith(b"a")
    assert b"\x1b]52" not in shown
    assert questions.feed(b"b").endswith(b"b")


def test_what_is_played_and_when() -> None:
    run = Run()
    run.begins("make", size=(100, 30))
    run.prints(b"one").prints(b"two", after=60).resized(100, 30).resized(80, 24).ends()
    run.begins("ls", size=(80, 24))
    reader = FrameReader()
    frames = [frame for event in run.events for frame in reader.take(event)]
    assert [(frame.command, frame.data, frame.size) for frame in frames] == [
        ("make", b"", (100, 30)),
        ("", b"one", None),
        ("", b"two", None),
        ("", b"", (80, 24)),
        ("ls", b"", None),
    ]
    assert frames[0].micros > BEGUN
    pace = Pace(idle=2.0)
    assert [round(pace.until(frame), 3) for frame in frames] == [0, 0.1, 2.0, 0.2, 0.3]
    backwards = Frame(frames[0].micros - 1_000_000)
    assert pace.until(backwards) == 0


def test_the_pace_has_ends() -> None:
    pace = Pace()
    for _ in range(20):
        pace.faster()
    assert pace.speed == FASTEST
    for _ in range(40):
        pace.slower()
    assert pace.speed == SLOWEST


async def test_space_pauses_and_goes_on_and_the_pace_changes() -> None:
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    pace = Pace()
    asked: list[int] = []

    async def frames() -> AsyncIterator[Frame]:
        for number in range(4):
            asked.append(number)
            yield Frame(BEGUN + number * 10_000, data=b"%d\r\n" % number)
            if number == 1:
                os.write(master, b" ++-\x1b[A")
                await eventually(lambda: pace.speed == 2.0)
                os.write(master, b" ")

    modes = TerminalModes()
    async with raw_terminal(slave, slave, modes.undo) as terminal:
        assert await Player(terminal, modes, pace).play(frames())
    assert asked == [0, 1, 2, 3]
    shown = os.read(master, 1 << 16).decode()
    assert "0\r\n1\r\n" in shown
    assert "stigmer replay: paused" in shown
    assert "stigmer replay: 2x" in shown
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


async def test_a_resize_is_told_and_not_over_a_full_screen() -> None:
    master, slave = os.openpty()

    async def frames() -> AsyncIterator[Frame]:
        yield Frame(1, command="edit\x1b[2J", size=(99, 33))
        yield Frame(2, data=b"\x1b[?1049hdrawn")
        yield Frame(3, size=(77, 22))
        yield Frame(4, data=b"more")
        yield Frame(5, data=b"\x1b[?1049l")
        yield Frame(6, data=b"end")

    modes = TerminalModes()
    async with raw_terminal(slave, slave, modes.undo) as terminal:
        await Player(terminal, modes, Pace()).play(frames())
    shown = os.read(master, 1 << 16).decode()
    assert "$ edit␛[2J" in shown
    assert shown.index("99 columns and 33 rows") < shown.index("drawn")
    assert "drawnmore" in shown
    assert shown.index("77 columns and 22 rows") > shown.index("\x1b[?1049l")
    os.close(master)
    os.close(slave)


def test_nothing_of_it_needs_textual() -> None:
    code = "import sys, stigmer_tui.cli.export, stigmer_tui.cli.replay, stigmer_tui.cli.artifact; print('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
