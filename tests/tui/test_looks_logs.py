"""What logs look like: following, filtered, a whole line, nothing, no file."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.logs import LogsScreen
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import screen_text, settled, typed, until
from tests.tui.test_looks import LOOKS, SIZES, same, shown

_LINES = [
    '{"time":"2026-11-21T02:41:%02d.120Z","level":"info","logger":"stigmer.link","message":"a runner joined","runner":"r-1"}',
    '{"time":"2026-11-21T02:41:%02d.410Z","level":"warning","logger":"stigmer.store","message":"the disk is slow","took_ms":812}',
    "2026-11-21T02:41:%02d.700Z INFO app: request 17 took 12 ms status=200",
    "2026-11-21T02:41:%02d.900Z ERROR app: request 18 took 903 ms status=503",
    "2026-11-21T02:41:%02d.910Z DEBUG app: connection 4 closed",
]


@SIZES
@LOOKS
@pytest.mark.parametrize("state", ["following", "filtered", "line", "nothing", "no_file"])
async def test_logs(
    app: StigmerApp,
    backend: ScriptedBackend,
    short_tmp: Path,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    light: bool,
    state: str,
) -> None:
    """Each state that one comes to by some keys."""
    monkeypatch.chdir(short_tmp)
    if state != "no_file":
        (short_tmp / "app.log").write_text("".join(line % second + "\n" for second in range(50) for line in _LINES))
    words = {
        "following": "250 of 250",
        "filtered": "50 of 50",
        "line": "took_ms: 812",
        "nothing": "No line fits",
        "no_file": "there is no file",
    }[state]
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.run_written("logs app.log")
        await until(pilot, lambda: isinstance(app.screen, LogsScreen), "the logs")
        if state != "no_file":
            await until(pilot, lambda: "250 of 250" in screen_text(pilot), "all of it")
        if state in ("filtered", "nothing"):
            await pilot.press("ampersand")
            await typed(pilot, "request 18" if state == "filtered" else "zzz")
            await pilot.press("enter")
        elif state == "line":
            await pilot.press("k", "k", "k", "m", "enter")
        await settled(pilot)
        await shown(pilot, app, light, words)
        assert same(app, snapshot)
