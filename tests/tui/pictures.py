"""Pictures of one state of the app in every size and look, taken one after the other in an app that is started once."""

import asyncio

from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from stigmer_tui.app import StigmerApp
from tests.tui.support import screen_text, settled, until
from tests.tui.test_looks import SvgPicture

SMALL, LARGE = (80, 24), (160, 48)
REST_SECONDS = 0.03


async def pictures(
    pilot: Pilot[int],
    app: StigmerApp,
    snapshot: SnapshotAssertion,
    words: str = "",
    *,
    sizes: tuple[tuple[int, int], ...] = (SMALL, LARGE),
) -> None:
    """The screen is as it was in each of `sizes`, dark and light. `words`: shown in all of them."""
    different: list[str] = []
    for columns, rows in sizes:
        await pilot.resize_terminal(columns, rows)
        await until(pilot, lambda columns=columns, rows=rows: app.size == (columns, rows), "its size")
        for look in ("dark", "light"):
            app.theme = look
            await until(pilot, lambda: words in screen_text(pilot), words)
            name = f"{look}-{columns}x{rows}"
            if await _at_rest(pilot, app) != snapshot(name=name, extension_class=SvgPicture):
                different.append(name)
    assert not different, "look at them after --snapshot-update"


async def _at_rest(pilot: Pilot[int], app: StigmerApp) -> str:
    """The picture, once it stays."""
    last = ""
    while True:
        await settled(pilot)
        picture = app.export_screenshot(title="stigmer")
        if picture == last:
            return picture
        last = picture
        await asyncio.sleep(REST_SECONDS)
