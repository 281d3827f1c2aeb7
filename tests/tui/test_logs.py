"""Logs in the app: of the server, any file, filtered, searched, followed, marked, saved."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.logs.fields import in_columns, values_of
from stigmer_tui.screens.logs import LogsScreen
from tests.logs.test_reading import stamped
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.hostile import HOSTILE
from tests.tui.real_terminal import real_terminal
from tests.tui.support import screen_text, settled, typed, until


@asynccontextmanager
async def opened(
    app: StigmerApp, *names: str, size: tuple[int, int] = (100, 30)
) -> AsyncGenerator[tuple[Pilot[int], LogsScreen]]:
    """The app with logs in front."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.run_written(" ".join(["logs", *names]))
        await until(pilot, lambda: isinstance(app.screen, LogsScreen) and app.screen.open_log is not None, "the log")
        assert isinstance(app.screen, LogsScreen)
        yield pilot, app.screen


def filled(directory: Path, count: int) -> Path:
    """A log with an error every hundred lines."""
    path = directory / "app.log"
    path.write_bytes(
        b"".join(
            stamped(n, "went on") if n % 100 else stamped(n, "failed").replace(b"INFO", b"ERROR") for n in range(count)
        )
    )
    return path


async def test_a_large_file_from_its_end(app: StigmerApp, backend: ScriptedBackend, short_tmp: Path) -> None:
    """The end at once, the beginning by g, all lines counted; a filter over all of it, with its count; then where one was."""
    path = filled(short_tmp, 200_000)
    async with opened(app, str(path)) as (pilot, screen):
        await until(pilot, lambda: "199999 went on" in screen_text(pilot), "the end")
        await pilot.press("g")
        await until(pilot, lambda: "app: 0 failed" in screen_text(pilot), "the beginning")
        await until(pilot, lambda: "1 of 200,000" in screen_text(pilot), "counted")
        await pilot.press("e")
        await until(pilot, lambda: "101 of 200,000" in screen_text(pilot), "the next error")
        await pilot.press("ampersand")
        await typed(pilot, "failed")
        await pilot.press("enter")
        await until(pilot, lambda: "2,000 of 2,000" in screen_text(pilot), "filtered")
        assert "199900 failed" in screen_text(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "199899 went on" in screen_text(pilot), "with neighbours")
        await pilot.press("backspace")
        await until(pilot, lambda: screen.open_log is not None and screen.open_log.scan is None, "all again")


async def test_what_comes_is_followed_or_counted(app: StigmerApp, backend: ScriptedBackend, short_tmp: Path) -> None:
    """Following stays at the end; reading is left alone. A cut file is read anew."""
    path = filled(short_tmp, 300)
    async with opened(app, str(path)) as (pilot, screen):
        with path.open("ab") as log:
            log.write(stamped(300, "is new"))
        await until(pilot, lambda: "300 is new" in screen_text(pilot), "followed")
        await pilot.press("g")
        with path.open("ab") as log:
            log.write(stamped(301) * 7)
        await until(pilot, lambda: "+7 new" in screen_text(pilot), "counted")
        assert screen.view.top == 0
        path.write_bytes(b"")
        path.write_bytes(stamped(1, "after the cut"))
        await until(pilot, lambda: "1 after the cut" in screen_text(pilot), "read anew")


async def test_search_time_mark_save(app: StigmerApp, backend: ScriptedBackend, short_tmp: Path) -> None:
    """By the keys of the registry."""
    path = filled(short_tmp, 5000)
    async with opened(app, str(path)) as (pilot, _screen):
        await pilot.press("slash")
        await typed(pilot, "1234")
        await pilot.press("enter")
        await until(pilot, lambda: "1,235 of 5,000" in screen_text(pilot), "found")
        await pilot.press("m", "t")
        await typed(pilot, "2026-11-18T05:40:00Z")
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("g", "apostrophe")
        await until(pilot, lambda: "1,235 of 5,000" in screen_text(pilot), "the mark")
        await pilot.press("escape", "s")
        await typed(pilot, str(short_tmp / "saved"))
        await pilot.press("enter")
        await until(pilot, lambda: "Saved" in screen_text(pilot), "saved")
        assert (short_tmp / "saved").read_bytes() == path.read_bytes()
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.board, "back")


async def test_foreign_lines_are_drawn_and_never_obeyed(
    app: StigmerApp, backend: ScriptedBackend, short_tmp: Path
) -> None:
    """Whatever stands in a log; JSON is folded, and unfolded below."""
    path = short_tmp / "h.log"
    text = "\n".join(line.replace("\n", " ") for line in HOSTILE)
    path.write_bytes(text.encode("utf-8", "replace") + b'\n{"level":"error","msg":"[@click=app.quit]x[/]","n":7}\n')
    async with opened(app, str(path), size=(120, 40)) as (pilot, screen):
        await until(pilot, lambda: "n=7" in screen_text(pilot), "folded")
        await pilot.press("enter")
        await until(pilot, lambda: "msg: [@click=app.quit]x[/]" in screen_text(pilot), "unfolded")
        assert not any(ord(letter) < 32 and letter != "\n" for letter in screen_text(pilot))
        await pilot.press("escape")
        await settled(pilot)
        assert screen.view.has_focus


async def test_no_log_no_line_no_expression(app: StigmerApp, backend: ScriptedBackend, short_tmp: Path) -> None:
    """Each is said, with what to do."""
    path = filled(short_tmp, 10)
    async with opened(app, str(path)) as (pilot, _screen):
        await pilot.press("ampersand")
        await typed(pilot, "zzz")
        await pilot.press("enter")
        await until(pilot, lambda: "No line fits" in screen_text(pilot), "nothing")
        await pilot.press("escape", "ampersand")
        await pilot.press("slash", "left_parenthesis", "slash", "enter")
        await until(pilot, lambda: "expression is wrong" in screen_text(pilot), "no expression")
        app.run_written("logs /nowhere")
        await until(pilot, lambda: "there is no file" in screen_text(pilot), "no file")


async def test_a_file_or_a_pipe_at_a_terminal(home: Home, tmp_path: Path) -> None:
    """`stigmer tail` opens the logs screen alone, filtered as it was told; leaving it leaves, and nothing of it is remembered."""
    log = tmp_path / "app.log"
    log.write_text("".join(f"level={'error' if number % 7 == 0 else 'info'} n={number}\n" for number in range(700)))
    async with real_terminal(home, ["tail", str(log), "-e", "level=error"]) as terminal:
        await terminal.shows("100 of 100")
        await terminal.shows("n=693")
        terminal.send("q")
        await terminal.shows("700 of 700")
        terminal.send("q")
        assert await terminal.ended() == 0
    assert not (home.root / "tui.json").exists()
    async with real_terminal(home, ["tail", str(log), "-p", "-n", "1"]) as terminal:
        await terminal.shows("level=info n=699")
        assert await terminal.ended() == 0


async def test_long_lines_take_as_many_rows_as_they_need(
    app: StigmerApp, backend: ScriptedBackend, short_tmp: Path
) -> None:
    """All of a line is there; up, down, the end and the mouse go by lines; cut again it is one row."""
    path = short_tmp / "long.log"
    path.write_bytes(b"".join(b"%03d %s end%d\n" % (n, b"word " * (60 if n % 2 else 2), n) for n in range(100)))
    async with opened(app, str(path)) as (pilot, screen):
        view = screen.view
        await until(pilot, lambda: "099 word" in screen_text(pilot), "the end")
        assert "end99" not in screen_text(pilot)
        await pilot.press("w")
        await until(pilot, lambda: "end99" in screen_text(pilot), "all of the last line")
        shown = [line[3:6] for line in screen_text(pilot).splitlines() if line[3:6].isdigit()]
        assert shown == sorted(shown)
        assert len(shown) < view.size.height / 2
        await pilot.press("g")
        await until(pilot, lambda: "end1" in screen_text(pilot), "the beginning")
        for _ in range(20):
            await pilot.press("j")
        await settled(pilot)
        assert view.cursor == 20
        assert "020 word" in screen_text(pilot)
        await pilot.press("pagedown")
        await settled(pilot)
        assert view.cursor > 24
        assert view.top <= view.cursor < view.top + view.page_rows
        row = next(y for y in range(view.size.height) if view.row_at(y) == view.top + 1)
        await pilot.click(view, offset=(5, row))
        assert view.cursor == view.top + 1
        for size in ((40, 10), (20, 5), (100, 30)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
        await pilot.press("G", "w")
        await until(pilot, lambda: "098 word" in screen_text(pilot) and "›" in screen_text(pilot), "cut again")


async def test_columns_and_marks_of_all(app: StigmerApp, backend: ScriptedBackend, short_tmp: Path) -> None:
    """Fields of JSON and of pairs side by side, those of the line offered; every match marked, and saved as it is in the log."""
    path = short_tmp / "mixed.log"
    path.write_bytes(
        b'{"level":"info","msg":"one","status":200}\n'
        b'time=1 level=warn msg="the second" status=500\n'
        b"no fields here\n"
        b'{"level":"error","msg":"three","status":503}\n'
    )
    async with opened(app, str(path)) as (pilot, screen):
        await until(pilot, lambda: "no fields" in screen_text(pilot), "the log")
        await pilot.press("f")
        await until(pilot, lambda: screen.line.display, "the line")
        assert screen.line.value == "level msg status"
        screen.line.value = "status, msg"
        await pilot.press("enter")
        await until(pilot, lambda: "200     one" in screen_text(pilot), "columns")
        assert "500     the second" in screen_text(pilot)
        assert "no fields here" in screen_text(pilot)
        assert "status · msg" in screen_text(pilot)
        await pilot.press("slash")
        await typed(pilot, "status>=500")
        screen.line.value = "status>=500"
        await pilot.press("enter")
        await until(pilot, lambda: "2" in screen_text(pilot).splitlines()[-2], "found")
        await pilot.press("M")
        await until(pilot, lambda: "Marked 2 lines" in screen_text(pilot), "marked")
        assert [view_row for view_row in range(4) if screen.view.is_marked(view_row)] == [1, 3]
        await pilot.press("M")
        await until(pilot, lambda: "No line is marked" in screen_text(pilot), "none any more")
        await pilot.press("f")
        screen.line.value = ""
        await pilot.press("enter")
        await until(pilot, lambda: "info  one" in screen_text(pilot), "all of the line")


@pytest.mark.parametrize("text", HOSTILE)
def test_columns_of_hostile_lines(text: str) -> None:
    """Whatever stands in them: they are taken apart, and lose nothing of what is asked for."""
    line = json.dumps({"msg": text.encode("utf-8", "replace").decode(), "n": 1}).encode()
    values = values_of(line, ["n", "msg", "none"])
    assert values is not None
    assert (values[0], values[2]) == ("1", "")
    assert in_columns(line, ["n"]) == b"1\n"
    raw = text.encode("utf-8", "replace")
    assert values_of(raw, ["nothing-of-that"]) is None
