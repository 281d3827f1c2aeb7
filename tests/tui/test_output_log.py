"""A run's output as rows: any size, any bytes, notes between, full screens left out."""

import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.terminal.fullscreen import ScreenSplitter, ScreenSwitch
from stigmer_tui.terminal.output_log import LONGEST_DRAWN, NoteKind, OutputLog
from stigmer_tui.terminal.pen import PLAIN, Pen
from stigmer_tui.terminal.plain import copied_rows, pager_bytes
from stigmer_tui.terminal.spool import BLOCK, Spool


def log_of(tmp_path: Path, *chunks: bytes, terminal: str = "t") -> OutputLog:
    """A log with this output."""
    log = OutputLog(tmp_path)
    for chunk in chunks:
        log.add_output(terminal, chunk)
    log.flush()
    return log


@contextmanager
def no_file_larger_than(size: int) -> Generator[None]:
    """A disk without room, as far as this process can tell."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def rows(log: OutputLog) -> list[str]:
    """All rows as text."""
    return [note.text if (note := log.note(row)) else log.draw(row, PLAIN).text for row in range(len(log))]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"bc" * 5, b"", b"\n\n", None]), max_size=30), st.integers(1, 9))
def test_rows_are_the_lines_whatever_the_chunks(pieces: list[bytes | None], block: int) -> None:
    """Cut anywhere, with notes anywhere (None), the rows are the same as of the whole, however few of their places are kept."""
    spool = Spool(Path("/tmp"), block=block)
    expected: list[tuple[int, bytes]] = []
    try:
        for piece in pieces:
            if piece is None:
                assert spool.add_empty_row() == len(expected)
                expected.append((spool.size, b""))
                continue
            goes_on, size = spool.last_row_open, spool.size
            spool.append(piece)
            for line in piece.splitlines(keepends=True):
                if goes_on:
                    expected[-1] = (expected[-1][0], expected[-1][1] + line)
                else:
                    expected.append((size, line))
                goes_on, size = not line.endswith(b"\n"), size + len(line)
            assert spool.last_row_open == goes_on
        rows = [(spool.start(row), spool.read_at(spool.start(row), spool.length(row))) for row in range(len(spool))]
        assert rows == expected
        assert [spool.read(row, 1000) for row in range(len(spool))] == [
            line.removesuffix(b"\n").removesuffix(b"\r") for _, line in expected
        ]
        at = [row for row, (_, line) in enumerate(expected) for _ in line]
        assert [spool.row_at(offset) for offset in range(spool.size)] == at
    finally:
        spool.close()


def test_the_spool_leaves_no_file(tmp_path: Path) -> None:
    """Not even while it is used; nor does a directory that cannot be written stop it."""
    spool = Spool(tmp_path)
    spool.append(b"x")
    assert list(tmp_path.iterdir()) == []
    spool.close()
    other = Spool(tmp_path / "missing")
    other.append(b"y\n")
    assert other.read(0, 10) == b"y"
    other.close()


def test_a_million_lines_and_a_huge_line(tmp_path: Path) -> None:
    """Rows far in are read alone; of a huge row only as much as is drawn."""
    log = log_of(
        tmp_path, *[b"".join(b"line %d\r\n" % n for n in range(k, k + 10_000)) for k in range(0, 1_000_000, 10_000)]
    )
    assert len(log) == 1_000_000
    assert log.draw(987_654, PLAIN).text == "line 987654"
    assert log.spool.marks <= log.spool.size // BLOCK + 1
    log.add_output("t", b"x" * 10_000_000)
    log.flush()
    assert log.is_cut(1_000_000)
    assert len(log.draw(1_000_000, PLAIN).text) == LONGEST_DRAWN
    log.add_output("t", b"\r" + b"99%\r100%")
    log.flush()
    assert log.draw(1_000_000, PLAIN).text == "100%"
    log.close()


def test_colours_go_on_in_the_next_row_and_end_with_the_command(tmp_path: Path) -> None:
    """Looked up when a row is drawn first."""
    log = log_of(tmp_path, b"\x1b[31mred\r\nstill red\r\n\x1b[0mplain\r\n\x1b[1;32mgreen")
    assert [log.pen_before(row) for row in range(4)] == [PLAIN, Pen(color=1), Pen(color=1), PLAIN]
    log.add_note(NoteKind.COMMAND, "next")
    log.add_output("u", b"fresh")
    log.flush()
    assert log.pen_before(5) == PLAIN
    log.close()


def test_notes_stand_between_the_rows(tmp_path: Path) -> None:
    """A note ends an unfinished row; blocks are what belongs to a command."""
    log = OutputLog(tmp_path)
    for number in (1, 2):
        log.add_note(NoteKind.COMMAND, f"command {number}")
        log.add_output(f"t{number}", b"first\r\nno line end")
        log.add_note(NoteKind.WRONG, "exit 1")
    log.flush()
    assert rows(log) == ["command 1", "first", "no line end", "exit 1", "command 2", "first", "no line end", "exit 1"]
    assert log.block(2) == (0, 4)
    assert log.block(7) == (4, 8)
    assert log.rows_of(NoteKind.WRONG) == [3, 7]
    assert copied_rows(log, *log.block(5), 1000) == ("command 2\nfirst\nno line end\nexit 1", False)
    assert copied_rows(log, 0, 8, 20) == ("command 1\nfirst", True)
    log.clear()
    assert len(log) == 0
    log.close()


def test_two_terminals_do_not_share_a_row(tmp_path: Path) -> None:
    """Their output comes as it comes, never in one line."""
    log = log_of(tmp_path, b"one")
    log.add_output("u", b"two\n")
    log.flush()
    assert rows(log) == ["one", "another terminal", "two"]
    log.close()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_full_screens_are_left_out_wherever_the_chunks_are_cut(tmp_path: Path, size: int) -> None:
    """What a program drew on the whole screen is no log; before and after it are."""
    data = (
        b"before\r\n\x1b[?1049h\x1b[2J\x1b[Hvim \x1b[31mdraws\r\nrows\r\n\x1b[?1049l\rafter\r\n\x1b[?47hagain\x1b[?47l"
    )
    log = log_of(tmp_path, *[data[k : k + size] for k in range(0, len(data), size)])
    screen = "full-screen program: enter attaches"
    assert rows(log) == ["before", screen, "left the full screen", "after", screen, "left the full screen"]
    assert not log.full_screen("t")
    log.close()


def test_a_program_killed_in_its_full_screen(tmp_path: Path) -> None:
    """The next one begins in the log again."""
    log = log_of(tmp_path, b"\x1b[?1049hdrawn")
    assert log.full_screen("t")
    log.end_terminal("t")
    log.add_output("t", b"next\n")
    log.flush()
    assert rows(log)[-1] == "next"
    log.close()


def test_a_sequence_that_never_ends_is_given_back() -> None:
    """What waited for its rest is printed when the program is over."""
    splitter = ScreenSplitter()
    assert splitter.feed(b"text\x1b[?10") == [b"text"]
    assert splitter.finish() == [b"\x1b[?10"]
    assert splitter.feed(b"\x1b[?1049h") == [ScreenSwitch.ENTERED]
    assert splitter.finish() == [ScreenSwitch.LEFT]


def test_a_full_disk_holds_output_back(tmp_path: Path) -> None:
    """Nothing is lost and nothing is there twice once there is room."""
    log = log_of(tmp_path, b"kept\n")
    log.add_output("t", b"waits\n" * 1000)
    log.add_note(NoteKind.ENDED, "exit 0")
    with no_file_larger_than(100), pytest.raises(OSError, match="large"):
        log.flush()
    assert rows(log) == ["kept"]
    log.flush()
    assert rows(log) == ["kept", *["waits"] * 1000, "exit 0"]
    log.close()


def test_the_pager_gets_colours_and_nothing_else(tmp_path: Path) -> None:
    """Every other control code is gone; notes stand in their places."""
    log = OutputLog(tmp_path)
    log.add_note(NoteKind.COMMAND, "make")
    log.add_output("t", b"\x1b[31mred\x1b[0m\x1b[2J\x1b]52;c;aGk=\x07\r\nback\x08space\x9b31m\x05\n")
    log.add_note(NoteKind.ENDED, "exit 0")
    log.flush()
    text = b"".join(pager_bytes(log))
    assert text.splitlines()[:2] == [b"\x1b[0m-- make", b"\x1b[31mred\x1b[0m"]
    assert b"backspace" in text
    assert text.replace(b"\x1b[31m", b"").replace(b"\x1b[0m", b"").count(b"\x1b") == 0
    assert text.endswith(b"-- exit 0\n")
    log.close()
