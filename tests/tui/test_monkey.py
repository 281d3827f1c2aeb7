"""Keys at random over the whole app, in front of a server that streams, asks for decisions and dies: it never fails, and nothing is ever allowed.

A seed that fails is named by the failure; it is put into `KEPT`, and tried first from then on.
"""

import asyncio
import random
import unicodedata
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from textual import events
from textual.keys import KEY_NAME_REPLACEMENTS
from textual.pilot import Pilot, WaitForScreenTimeout

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import ResolveApprovalRequest
from stigmer_apis.home import Home
from stigmer_tui.actions.registry import ACTIONS
from stigmer_tui.app import StigmerApp
from stigmer_tui.widgets.approval.card import ApprovalCard
from tests.support.scale import scaled
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.hostile import HOSTILE
from tests.tui.support import StoppedClock, output_event, until
from tests.tui.test_approval import asks

KEYS_EACH = 250
KEPT: tuple[int, ...] = (20_261_124, 20_270_043)
"""Seeds that failed once."""
SEEDS = (*KEPT, *range(20_270_000, 20_270_000 + scaled(18, 398)))
"""5,000 keys; 100,000 in a campaign."""

LEAVING = frozenset({"ctrl+q", "ctrl+z", "q"})
"""These do what they say."""
REGISTERED = sorted({key for action in ACTIONS for key in action.keys} - LEAVING)
PRINTED = [letter for letter in map(chr, range(33, 127)) if letter != "q"]
OFTEN = (
    "enter",
    "escape",
    "tab",
    "f4",
    "a",
    "o",
    "y",
    "up",
    "down",
    "colon",
    "slash",
    "space",
    "f8",
    "ctrl+t",
    "alt+t",
    "pagedown",
    "end",
)
SIZES = ((80, 24), (160, 48), (20, 5), (300, 90), (1, 1))


def named(letter: str) -> str:
    """What Textual calls a key that prints."""
    name = unicodedata.name(letter).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def a_key(chance: random.Random) -> events.Key:
    """What somebody leans on: keys of the registry, letters, those that lead somewhere."""
    kind = chance.random()
    if kind < 0.4:
        return events.Key(chance.choice(REGISTERED), None)
    if kind < 0.7:
        letter = chance.choice(PRINTED)
        return events.Key(letter if letter.isalnum() else named(letter), letter)
    name = chance.choice(OFTEN)
    return events.Key(name, name if len(name) == 1 else None)


@asynccontextmanager
async def troubled(backend: ScriptedBackend, chance: random.Random, run: str) -> AsyncGenerator[None]:
    """A server on which something happens all the time."""

    async def happens() -> None:
        for number in range(10_000):
            text = chance.choice(HOSTILE).encode("utf-8", "replace")
            backend.emit(run, output_event(text + b"\r\n"), ev.Event(note_added=ev.NoteAdded(text=text.decode())))
            if number % 20 == 7 and number < 200:
                backend.emit(run, *asks(f"later-{number}"))
            if number % 40 == 31:
                await backend.drop_connections()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(happens())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def decides(app: StigmerApp) -> bool:
    """Whether the keys go to what waits for a decision."""
    focused = app.focused
    return focused is not None and any(isinstance(node, ApprovalCard) for node in focused.ancestors_with_self)


async def typed_at_random(pilot: Pilot[int], app: StigmerApp, clock: StoppedClock, chance: random.Random) -> None:
    """The keys. Nobody takes the time to read: none passes while keys are on their way, or go to a card."""
    for number in range(KEYS_EACH):
        if not app.is_running:
            return
        app.post_message(a_key(chance))
        await asyncio.sleep(0)
        if number % 10 == 0:
            with suppress(WaitForScreenTimeout):  # the server never stops sending
                await pilot.pause()
            if not decides(app):
                clock.now += 10 * chance.random()
        if chance.random() < 0.02:
            await pilot.resize_terminal(*chance.choice(SIZES))


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # gRPC's, of calls that a server broke off
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_monkey(
    home: Home, backend: ScriptedBackend, clock: StoppedClock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may stop runs and delete them; it cannot make the app fail, and not have a call allowed."""
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setenv("VISUAL", "true")
    monkeypatch.setenv("PAGER", "true")
    chance = random.Random(seed)
    backend.add_agent("coder")
    run = backend.add_execution(
        message="work",
        agent="coder",
        phase=enums.EXECUTION_IN_PROGRESS,
        events=(*line_events("x", finished=False), *asks("c1")),
    )
    for number in range(5):
        backend.add_execution(message=f"run {number}", phase=enums.EXECUTION_FAILED, events=line_events("false"))
    app = StigmerApp(home, clock=clock, start_daemon=False)
    async with app.run_test(size=SIZES[seed % 2]) as pilot, troubled(backend, chance, run):
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        await typed_at_random(pilot, app, clock, chance)
    assert "Traceback" not in log(home), f"seed {seed}: {log(home)}"
    assert app.return_code in (0, None), f"seed {seed}: {log(home)}"
    requests = [call.request for call in backend.calls_of("ResolveApproval")]
    allowed = [
        request
        for request in requests
        if isinstance(request, ResolveApprovalRequest) and request.approval != ev.APPROVAL_DENIED
    ]
    assert not allowed, f"seed {seed} allowed {allowed}"


def log(home: Home) -> str:
    """What the app wrote about its failure."""
    path = home.logs / "tui.log"
    return path.read_text() if path.exists() else "nothing is written"
