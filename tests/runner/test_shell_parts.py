"""The parts of the shell tool, each by itself."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, LogLine
from stigmer_runner.durable.messages import CommandLine
from stigmer_runner.durable.wording import not_run, quote
from stigmer_runner.engine.drafts import GROUP_LIMIT, Drafts
from stigmer_runner.errors import ShellStateBroken
from stigmer_runner.finishing import uninterrupted
from stigmer_runner.hosting.scratch import KEPT_SECONDS, Scratch
from stigmer_runner.sandbox import (
    CommandResult,
    InputQueueFull,
    InputWait,
    Outcome,
    SandboxDescription,
    SandboxKind,
    ShellState,
)
from stigmer_runner.tools.shell.attention import InputWatch
from stigmer_runner.tools.shell.output import PIECE_BYTES, OutputCoalescer
from stigmer_runner.tools.shell.state import FILE_NAME, ShellStates
from stigmer_runner.tools.shell.telling import LONG_COMMAND, LineTeller, with_gaps
from stigmer_runner.tools.shell.terminals import Terminals
from tests.runner.shell_bench import until


class Taken:
    """What was handed over."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def __call__(self, pieces: Sequence[bytes]) -> None:
        self.pieces.extend(pieces)


async def test_output_goes_at_once_when_it_was_quiet_and_in_windows_when_not() -> None:
    taken = Taken()
    coalescer = OutputCoalescer(taken)
    coalescer.take(b"first")
    assert taken.pieces == [b"first"]
    for word in (b"a", b"b", b"c"):
        coalescer.take(word)
    assert taken.pieces == [b"first"]
    await until(lambda: taken.pieces == [b"first", b"abc"])
    await asyncio.sleep(0.1)
    coalescer.take(b"again")
    assert taken.pieces[-1] == b"again"
    coalescer.take(b"rest")
    assert coalescer.close() == [b"rest"]
    assert coalescer.total == len(b"firstabcagainrest")


async def test_much_output_goes_without_waiting_in_pieces() -> None:
    taken = Taken()
    coalescer = OutputCoalescer(taken)
    coalescer.take(b"x")
    coalescer.take(bytes(PIECE_BYTES - 1))
    assert len(taken.pieces) == 1
    coalescer.take(bytes(PIECE_BYTES + 2))
    assert [len(piece) for piece in taken.pieces] == [1, PIECE_BYTES, PIECE_BYTES]
    assert coalescer.close() == [b"\0"]


@given(st.lists(st.binary(max_size=200_000), max_size=8))
def test_output_is_neither_changed_nor_lost(chunks: list[bytes]) -> None:
    async def run() -> bytes:
        taken = Taken()
        coalescer = OutputCoalescer(taken)
        for chunk in chunks:
            coalescer.take(chunk)
            await asyncio.sleep(0)
        return b"".join([*taken.pieces, *coalescer.close()])

    assert asyncio.run(run()) == b"".join(chunks)


class Quiet:
    """A command in a terminal that waits for what it is told."""

    def __init__(self) -> None:
        self.waits: InputWait | None = None
        self.keys = b""
        self.full = False
        self.sizes: list[tuple[int, int]] = []
        self.paused: list[bool] = []

    @property
    def pid(self) -> int:
        """None of a process."""
        return 0

    def write(self, data: bytes) -> None:
        """Take keys."""
        if self.full:
            raise InputQueueFull("full")
        self.keys += data

    def resize(self, columns: int, rows: int) -> None:
        """Note the size."""
        self.sizes.append((columns, rows))

    def pause_reading(self) -> None:
        """Note it."""
        self.paused.append(True)

    def resume_reading(self) -> None:
        """Note it."""
        self.paused.append(False)

    def waiting_for(self) -> InputWait | None:
        """What it was told."""
        return self.waits

    async def cancel(self) -> None:
        """Nothing to end."""

    async def wait(self) -> CommandResult:
        """It ended at once."""
        return CommandResult(Outcome.EXITED, 0, None, 0.0, ShellState("/"))


async def test_waiting_is_told_once_and_taken_back() -> None:
    command, told = Quiet(), list[str]()
    watch = InputWatch(command, lambda waits: told.append(waits.value), lambda: told.append("cleared"), silence=0.02)
    await asyncio.sleep(0.1)
    assert told == []
    command.waits = InputWait.KEY
    await asyncio.sleep(0.1)
    assert told == [], "a pager waits for keys: that is its business"
    command.waits = InputWait.PASSWORD
    await until(lambda: told == ["password"])
    command.waits = InputWait.LINE
    await until(lambda: told == ["password", "cleared", "line"])
    watch.heard()
    assert told[-1] == "cleared"
    await until(lambda: told[-1] == "line")
    watch.close()
    assert told[-1] == "cleared"


async def test_keys_for_an_announced_terminal_wait_for_it() -> None:
    terminals, command, sizes = Terminals(), Quiet(), list[tuple[int, int]]()
    assert not terminals.write("t", b"lost"), "nobody announced it"
    terminals.expect("t")
    terminals.resize("t", 100, 30)
    assert terminals.write("t", b"early ")
    assert not terminals.write("t", bytes(70_000)), "more than is kept"
    terminals.set_paused(True)
    with terminals.opened("t", command, lambda columns, rows: sizes.append((columns, rows))):
        assert terminals.write("t", b"late")
        assert command.keys == b"early late"
        assert (command.sizes, sizes) == ([(100, 30)], [(100, 30)])
        assert command.paused == [True]
        terminals.resize("t", 100, 30)
        assert sizes == [(100, 30)], "the same size is no news"
        command.full = True
        assert not terminals.write("t", b"x")
        terminals.set_paused(False)
        assert command.paused == [True, False]
    assert not terminals.write("t", b"gone")


async def test_shell_states_survive_the_runner(tmp_path: Path) -> None:
    state = ShellState("/some/where", {"A": "b", "ODD": "\udcff\n'"}, ("GONE",))
    first = ShellStates(tmp_path)
    assert await first.load("ses-1", tmp_path) == ShellState(str(tmp_path))
    await first.save("ses-1", state)
    assert first.current("ses-1") == state
    first.close()
    second = ShellStates(tmp_path)
    assert await second.load("ses-1", tmp_path) == state
    second.close()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"directory": 1}', '{"directory":"/","variables":[],"removed":[]}']
)
async def test_a_damaged_shell_state_is_said_with_its_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "ses-1").mkdir()
    (tmp_path / "ses-1" / FILE_NAME).write_text(text)
    states = ShellStates(tmp_path)
    with pytest.raises(ShellStateBroken, match="remove it to start"):
        await states.load("ses-1", tmp_path)
    states.close()


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a" * 200])
async def test_a_session_cannot_lead_out_of_its_directory(tmp_path: Path, name: str) -> None:
    states = ShellStates(tmp_path)
    with pytest.raises(ShellStateBroken):
        await states.load(name, tmp_path)
    states.close()
    with pytest.raises(ShellStateBroken):
        await Scratch(tmp_path).of_session(name)


async def test_old_temporary_files_are_removed_and_links_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    scratch = Scratch(tmp_path / "tmp")
    await scratch.remove_old()
    path = await scratch.of_session("ses-1")
    (path / "link").symlink_to(precious)
    (tmp_path / "tmp" / "other").symlink_to(precious)
    used = path.stat().st_mtime
    await scratch.remove_old(used + KEPT_SECONDS - 1)
    assert path.exists()
    await scratch.remove_old(used + KEPT_SECONDS + 1)
    assert not path.exists()
    assert (precious / "file").exists()


def test_lines_are_quoted_short() -> None:
    assert quote("ls -l\n") == "`ls -l`"
    assert quote("first\nsecond") == "`first…`"
    assert len(quote("x" * 500)) <= 62
    assert not_run([]) == ()
    assert not_run(["a", "b"]) == ("Not run: `a`, `b`.",)
    assert not_run([str(n) for n in range(9)])[0].endswith("`4` and 4 more.")


def test_a_long_command_stands_whole_in_the_message_alone() -> None:
    text = "x" * (LONG_COMMAND + 5)
    walls = SandboxDescription(SandboxKind.BUBBLEWRAP, walls=True, reason="")
    events = LineTeller(CommandLine(1, text), lambda: 7).announced("/", walls, True, 80, 24)
    assert events[1].text_delta.text == text
    assert len(str(events[3].tool_call_requested.args["command"])) == LONG_COMMAND
    assert events[3].tool_call_requested.args["omitted_characters"] == 5


def test_what_is_added_together_stays_together() -> None:
    drafts = Drafts()
    small, large = Event(log_line=LogLine(text="x")), Event(log_line=LogLine(text="x" * GROUP_LIMIT))
    record = JournalRecord(time_unix_micros=1)
    assert [drafts.add((record,), (small,)) for _ in range(3)] == [0, 0, 0]
    assert drafts.add((record,), (large, small)) == 1
    assert drafts.add((record,), (small,)) == 2
    assert [(len(records), len(events)) for records, events in drafts.groups] == [(3, 3), (1, 2), (1, 1)]


async def test_uninterrupted_work_ends_and_says_that_somebody_wanted_it_to_stop() -> None:
    gate, told = asyncio.Event(), list[tuple[str, bool]]()

    async def work() -> str:
        await gate.wait()
        return "done"

    async def caller() -> None:
        told.append(await uninterrupted(work()))

    task = asyncio.create_task(caller())
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    gate.set()
    await task
    assert told == [("done", True)]


def test_the_link_tells_what_walls_do_not_keep() -> None:
    """Which is what `doctor` prints."""
    walls = SandboxDescription(
        SandboxKind.LANDLOCK, walls=True, reason="No bwrap here.", gaps=("It sees names.", "More.")
    )
    assert with_gaps(walls).reason == "No bwrap here. What these walls do not keep: It sees names. More."
    assert with_gaps(SandboxDescription(SandboxKind.BUBBLEWRAP, walls=True, reason="")).reason == ""
