"""A long transcript in the app's own view: opened, scrolled, searched, out of focus and in again."""

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil
from textual.app import App, ComposeResult

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.terminal.search import Needle
from stigmer_tui.transcript.reading import Transcript
from stigmer_tui.widgets.transcript_view import TranscriptView
from tests.bench.figures import Figure, at_most
from tests.bench.rounds import percentile
from tests.bench.run import Bench

MEGABYTES = 6
TEXT = "the quick brown fox jumps over a lazy dog while nobody looks, and then it sleeps " * 7
PAGES = 300
SIZE = (100, 40)
METHOD = (
    f"{MEGABYTES} MB of messages of {len(TEXT)} bytes, {SIZE[0]}x{SIZE[1]}, the view alone in an app without a terminal"
)


def messages() -> list[ev.Event]:
    """Messages of a model."""
    events: list[ev.Event] = []
    for number in range(MEGABYTES * 1_000_000 // len(TEXT)):
        name = f"m{number}"
        events += (
            ev.Event(message_started=ev.MessageStarted(message_id=name, type=enums.MESSAGE_AI)),
            ev.Event(text_delta=ev.TextDelta(message_id=name, text=f"{number} {TEXT}")),
            ev.Event(message_completed=ev.MessageCompleted(message_id=name)),
        )
    return events


class TranscriptApp(App[None]):
    """Nothing but the view."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__()
        self.view = TranscriptView(transcript, lambda _view, _what: None)

    def compose(self) -> ComposeResult:
        """The view."""
        yield self.view


async def long_transcript(bench: Bench) -> Sequence[Figure]:
    """In a process of its own, so that its memory is its own."""
    rounds = [await asyncio.to_thread(_measured) for _ in range(bench.size(3, 7))]
    opened, page, blur, found, memory = (statistics.median(values) for values in zip(*rounds, strict=True))

    def figure(name: str, value: float, unit: str, budget: float, what: str) -> Figure:
        return Figure(name=name, value=value, unit=unit, budget=at_most(budget), method=f"{METHOD}: {what}")

    return [
        figure("transcript of 6 MB, opened", opened, "ms", 150.0, "from the decoded events to the drawn end"),
        figure("transcript of 6 MB, a page, p99", page, "ms", 16.0, f"{PAGES} pages up, laid out and drawn"),
        figure("transcript of 6 MB, focus out and in", blur, "ms", 20.0, "both, drawn"),
        figure("transcript of 6 MB, searched", found, "ms", 500.0, "a text that is there once, to the count"),
        figure("transcript of 6 MB, memory", memory, "MB", 20.0, "resident, more than before, after all of this"),
    ]


def _measured() -> tuple[float, ...]:
    done = subprocess.run(
        [sys.executable, "-m", __name__], capture_output=True, text=True, timeout=300, check=True, env={**os.environ}
    )
    return tuple(float(word) for word in done.stdout.split())


async def _measure() -> tuple[float, ...]:
    events = messages()
    transcript = Transcript()
    app = TranscriptApp(transcript)
    async with app.run_test(size=SIZE) as pilot:
        view, process = app.view, psutil.Process()
        gc.collect()
        gc.freeze()
        before = process.memory_info().rss
        began = time.perf_counter()
        transcript.apply(events)
        view.grown()
        view.render_lines(view.size.region)
        opened = time.perf_counter() - began
        pages: list[float] = []
        for _ in range(PAGES):
            began = time.perf_counter()
            view.action_page(-1)
            view.render_lines(view.size.region)
            pages.append((time.perf_counter() - began) * 1e3)
        began = time.perf_counter()
        for focus in (False, True):
            app.app_focus = focus
            await pilot.pause(0)
        blur = time.perf_counter() - began
        began = time.perf_counter()
        view.search(Needle.of("4711 the"))
        while view.matches.searching:
            await pilot.pause(0)
        found = time.perf_counter() - began
        if view.matches.count != 1:
            raise AssertionError(f"{view.matches.count} found")
        memory = (process.memory_info().rss - before) / 1e6
    return opened * 1e3, percentile(pages, 0.99), blur * 1e3, found * 1e3, memory


if __name__ == "__main__":
    print(*asyncio.run(_measure()))
