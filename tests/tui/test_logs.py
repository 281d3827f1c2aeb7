"""Logs in the app: of the server, any file, filtered, searched, followed, marked, saved."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
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
