"""Documents whose tasks really do something: HTTP, processes, secrets, signals; and what a crash leaves of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_runner.engine.journal import MemoryJournal, records_of
from stigmer_runner.sandbox import SandboxKind, choose_sandbox
from stigmer_runner.workflow.reach import AT_ONCE
from tests.sandbox.ground import Ground
from tests.support.scale import scaled
from tests.support.waiting import eventually
from tests.workflow_work.runs import Running, Runs
from tests.workflow_work.site import Answer, Request, Site, as_json, served

KEY = "s3cret-key-of-mine"


@pytest.fixture
def ground(short_tmp: Path) -> Ground:
    return Ground(short_tmp.resolve())


@pytest_asyncio.fixture
async def runs(ground: Ground) -> AsyncIterator[Runs]:
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.NONE)
    yield Runs(sandbox, ground.workspace(), {"KEY": KEY}, {"PLAIN": "seen"})
    await sandbox.close()


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with served() as site:
        yield site


async def test_a_request_and_a_command_in_one_document(runs: Runs, site: Site) -> None:
    site.answer = lambda request: as_json('{"name": "Ada"}')
    output = await runs.output(f"""
use: {{secrets: [KEY]}}
do:
  - ask:
      call: http
      with:
        method: get
        endpoint: {site.base}/people/{{id}}
        headers: {{Authorization: '${{ "Bearer " + $secrets.KEY }}'}}
      input: {{from: '${{ {{id: 7}} }}'}}
  - greet:
      run:
        shell:
          command: echo "hello $NAME of $PLAIN"
          environment: {{NAME: '${{ .name }}'}}
""")
    assert output == "hello Ada of seen"
    assert site.requests[-1].headers["authorization"] == f"Bearer {KEY}"


async def test_no_sandbox_is_asked_for_where_nothing_runs(runs: Runs) -> None:
    assert await runs.output("do: [{a: {set: {b: '${ $env.PLAIN }'}}}]") == {"b": "seen"}
    assert runs.lent == 0


async def test_secrets_are_in_no_record_and_no_event(runs: Runs, site: Site) -> None:
    running = runs.begin(f"""
use: {{secrets: [KEY]}}
do:
  - send:
      call: http
      with: {{method: post, endpoint: {site.base}, body: {{key: '${{ $secrets.KEY }}'}}}}
  - show:
      run:
        shell: {{command: 'echo "$K"; exit 1', environment: {{K: '${{ $secrets.KEY }}'}}}}
""")
    reason = await running.failure()
    assert KEY.encode() in site.requests[0].body
    everything = [*records_of(running.journal.groups), *running.journal.events]
    for message in everything:
        assert KEY.encode() not in message.SerializeToString()
    assert KEY not in reason
    assert any(b"[secret KEY]" in event.terminal_output.data for event in running.journal.events)
    assert not any("\u2060" in str(event) for event in running.journal.events)


async def test_signals_pause_and_cancel(runs: Runs) -> None:
    listening = """
do:
  - wait: {listen: {to: {one: {with: {id: go, type: signal}}}}}
  - show: {run: {shell: {command: 'echo "$N"', environment: {N: '${ .n }'}}}}
"""
    running = runs.begin(listening)
    task = asyncio.create_task(running.output())
    signal = CommandIssued.Signal(name="go")
    signal.payload.struct_value.update({"n": 7})
    running.command("c1", signal=signal)
    assert await task == "7"
    running = runs.begin(listening)
    task = asyncio.create_task(running.outcome())
    await eventually(lambda: any(each.HasField("workflow_task_waiting") for each in running.journal.events))
    running.command("c2", send_message=CommandIssued.SendMessage(text="hello"))
    assert running.rejected
    running.command("c3", cancel=CommandIssued.Cancel(reason="enough"))
    assert type(await task).__name__ == "Cancelled"


async def test_a_cancel_ends_what_runs(runs: Runs) -> None:
    file = runs.workspace / "alive"
    running = runs.begin(f"do: [{{a: {{run: {{shell: {{command: 'while :; do touch {file}; sleep 0.05; done'}}}}}}}}]")
    task = asyncio.create_task(running.outcome())
    await eventually(file.exists)
    running.command("c1", cancel=CommandIssued.Cancel(reason="enough"))
    assert type(await task).__name__ == "Cancelled"
    file.unlink()
    await asyncio.sleep(0.3)
    assert not file.exists()


async def test_a_thousand_branches_do_not_run_at_once(runs: Runs, site: Site) -> None:
    most = now = 0

    async def answer(_: Request) -> Answer:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return as_json("1")

    site.answer = answer
    branches = ", ".join(
        f"{{b{n}: {{call: http, with: {{method: get, endpoint: {site.base}/{n}}}}}}}" for n in range(scaled(150, 1000))
    )
    output = await runs.output(f"do: [{{all: {{fork: {{branches: [{branches}]}}}}}}]")
    assert output == [1] * scaled(150, 1000)
    assert 1 < most <= AT_ONCE


SHOP = """
do:
  - look: {call: http, with: {method: get, endpoint: BASE/stock}}
  - buy: {call: http, with: {method: post, endpoint: BASE/buy, body: {n: 1}}}
  - pack: {run: {shell: {command: echo packed >> ledger; cat ledger | wc -l}}}
  - note: {run: {shell: {command: echo noted >> notes}}, metadata: {idempotent: true}}
"""


@pytest.mark.parametrize("answer", ["done", "retry", "fail"])
async def test_what_a_crash_leaves_open_is_asked_about(runs: Runs, site: Site, answer: str) -> None:
    """The runner dies at each record: what has a side effect and no result is asked about, what is idempotent is done again."""
    text = SHOP.replace("BASE", site.base)
    whole = runs.begin(text)
    await whole.output()
    records = [record.SerializeToString() for record in records_of(whole.journal.groups)]
    assert len([each for each in site.requests if each.method == "POST"]) == 1
    asked_at: list[int] = []
    for kept in range(1, len(records) + 1):
        site.requests.clear()
        history = [JournalRecord.FromString(record) for record in records[:kept]]
        running = runs.begin(text, journal=MemoryJournal())
        task = asyncio.create_task(running.outcome(history))
        while not task.done():
            await asyncio.sleep(0.005)
            for attention_id in _open(running):
                asked_at.append(kept)
                running.command(f"c{kept}", answer=CommandIssued.Answer(attention_id=attention_id, text=answer))
        bought = len([each for each in site.requests if each.method == "POST"])
        assert bought <= 1
        failed = kept in asked_at and answer == "fail"
        assert type(task.result()).__name__ == ("Failed" if failed else "Completed"), task.result()
    # Once for the request that was begun, once for the command: each between its start and its result.
    assert len(asked_at) == 2, asked_at


def _open(running: Running) -> "list[str]":
    """Attentions that were raised and are not answered."""
    raised = {
        each.attention_raised.attention_id for each in running.journal.events if each.HasField("attention_raised")
    }
    found = sorted(raised - running.seen)
    running.seen |= raised
    return found
