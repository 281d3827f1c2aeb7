"""A model's words on their way to the person: one by one, and as fast as it sends them."""

import asyncio
import re
import statistics
import time
from collections.abc import Mapping, Sequence

from stigmer_apis.client import TailBatch
from tests.bench.agent_runs import (
    PATIENCE,
    agent_stage,
    events_until,
    is_over,
    opened_run,
    port_of,
    project,
    scripted,
    shell_turn,
    started,
    times_of,
)
from tests.bench.figures import Figure, at_most
from tests.bench.rounds import percentile
from tests.bench.run import Bench
from tests.bench.stamping import MARK, StampingProvider, stamping, stamps
from tests.loop.stage import Stage
from tests.support.workstation import Workstation

TOKENS = 20_000
_STAMP = re.compile(MARK.encode() + rb"([0-9]+)(?![0-9])(?=.)", re.DOTALL)
GAP = 0.02
"""Seconds between two tokens: 50 a second."""
WHILE_OPENING = 300
"""Tokens that come while the app is opened."""
LAST_WORD = "lastword4711"
GATE = "until [ -e go ]; do sleep 0.01; done"


async def token_latency(bench: Bench) -> Sequence[Figure]:
    """From the provider's write to the hands of a client, and to the screen of the app."""
    count = bench.size(150, 600)
    async with agent_stage() as stage:
        async with stamping(port_of(stage.workstation), count, GAP) as provider:
            to_client = await _to_client(stage)
            ready = [await _first_call(stage, provider) for _ in range(bench.size(3, 9))]
        async with stamping(port_of(stage.workstation), count + WHILE_OPENING, 2 * GAP):
            painted = await _painted(stage, count // 2)
    method = "of a model in the measuring process, from its write, nothing else running"
    return [
        Figure(
            name="token sent to event in the client, p50",
            value=percentile(to_client, 0.5),
            unit="ms",
            budget=at_most(5.0),
            method=f"{count} tokens {method}; {1 / GAP:.0f} a second",
        ),
        Figure(
            name="token sent to event in the client, p95",
            value=percentile(to_client, 0.95),
            unit="ms",
            method=f"{count} tokens {method}; {1 / GAP:.0f} a second",
        ),
        Figure(
            name="token sent to painted, p50",
            value=percentile(painted, 0.5),
            unit="ms",
            budget=at_most(15.0),
            method=f"{count // 2} tokens {method}; {0.5 / GAP:.0f} a second, the run open in the app",
        ),
        Figure(
            name="message to the first call of the model",
            value=statistics.median(ready),
            unit="s",
            budget=at_most(0.3),
            method="a new execution by `Client.run`, the runner up: until the provider has the request",
        ),
    ]


async def _to_client(stage: Stage) -> list[float]:
    """Milliseconds from write to event, of each event's newest token."""
    taken: list[float] = []
    execution_id = await started(stage, "Say it.")
    rest = ""
    async with asyncio.timeout(PATIENCE):
        async for item in stage.client.tail(execution_id):
            now = time.monotonic()
            if not isinstance(item, TailBatch):
                continue
            for event in item.events:
                if is_over(event):
                    return taken
                rest += event.text_delta.text
                taken += [(now - at) * 1e3 for at in stamps(rest)]
                rest = rest.rpartition(" ")[2]
    raise AssertionError("the run did not end")


async def _first_call(stage: Stage, provider: StampingProvider) -> float:
    """Seconds from a message to the provider's having the request."""
    before, begin = len(provider.asked), time.monotonic()
    execution_id = await started(stage, "Say it.")
    async with asyncio.timeout(PATIENCE):
        await provider.until_asked(before + 1)
    await stage.client.cancel(execution_id, wait=30.0)
    return provider.asked[before] - begin


async def _painted(stage: Stage, count: int) -> list[float]:
    """Milliseconds from write to the screen, of the newest token each time that it shows one."""
    execution_id = await started(stage, "Say it.")
    return await asyncio.to_thread(_watched, stage.workstation, execution_id, count)


def _watched(workstation: Workstation, execution_id: str, count: int) -> list[float]:
    """Milliseconds from write to the app's own write to its terminal, of the newest token of each of so many drawings."""
    taken: list[float] = []
    newest, rest = 0.0, b""
    deadline = time.monotonic() + PATIENCE
    with opened_run(workstation, execution_id, "Say it.") as screen:
        screen.raw(1.0)
        while len(taken) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(taken)} tokens were drawn, not {count}")
            at, data = screen.raw(1.0)
            found = max((int(stamp) / 1e9 for stamp in _STAMP.findall(rest + data)), default=0.0)
            rest = data[-40:]
            if found > newest:
                newest = found
                taken.append((at - newest) * 1e3)
    return taken[1:]


async def many_tokens(bench: Bench) -> Sequence[Figure]:
    """20,000 tokens as fast as the model sends them."""
    shown: list[float] = []
    had: list[float] = []
    async with agent_stage() as stage:
        for number in range(bench.size(3, 9)):
            had.append(await _all_in_client(stage, f"{LAST_WORD}n{number}"))
        for number in range(bench.size(3, 7)):
            shown.append(await _all_on_screen(stage, f"{LAST_WORD}s{number}"))
    method = f"{TOKENS:,} tokens, a chunk each, by a provider in another process, from the intent of the call"
    return [
        Figure(
            name=f"{TOKENS:,} tokens, all in the client",
            value=statistics.median(had),
            unit="s",
            method=f"{method} to the client's having the last",
        ),
        Figure(
            name=f"{TOKENS:,} tokens, all shown",
            value=statistics.median(shown),
            unit="s",
            budget=at_most(1.0),
            method=f"{method} to the last on the screen of the app",
        ),
    ]


def _words(last: str) -> Sequence[Mapping[str, object]]:
    """A command that waits, and so many words after it."""
    return [shell_turn(GATE), {"text": " ".join(["word"] * (TOKENS - 1) + [last])}]


async def _all_in_client(stage: Stage, last: str) -> float:
    directory = project(stage)
    (directory / "go").touch()
    async with scripted(stage, _words(last)):
        execution_id = await started(stage, "Say all.", directory)
        events = await events_until(stage.client, execution_id, lambda event: last in event.text_delta.text)
        return time.time() - times_of(events, "model_call_started")[1]


async def _all_on_screen(stage: Stage, last: str) -> float:
    """Seconds; `last` was never on the screen before."""
    directory = project(stage)
    async with scripted(stage, _words(last)):
        execution_id = await started(stage, "Say all.", directory)
        await events_until(stage.client, execution_id, lambda event: event.HasField("tool_call_started"))
        with opened_run(stage.workstation, execution_id, "Say all.") as screen:
            (directory / "go").touch()
            end = await asyncio.to_thread(screen.until, lambda text: last in text, "the last word")
        end += time.time() - time.perf_counter()
        events = await events_until(stage.client, execution_id, is_over)
    return end - times_of(events, "model_call_started")[1]
