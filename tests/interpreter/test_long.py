"""Long runs: loops of many rounds, journals that stay short, runs that go on as new ones."""

import asyncio
import json

import pytest

from stigmer_apis.workflow.document_json import Json
from stigmer_runner.durable.workflow_messages import HTTP, TaskCall
from stigmer_runner.engine.chronicle import Completed
from tests.interpreter.playing import Answer, Play, copies, run
from tests.support.scale import scaled
from tests.support.waiting import eventually

LOOP = "do: [{a: {for: {in: '[range($input)]'}, do: [{b: {set: {n: '${ $index + 1 }'}}}]}}]"


def starts(play: Play) -> int:
    """How many runs the execution took."""
    jobs = [job for record in play.journal.records for job in record.activation.jobs]
    return sum(job.HasField("start") for job in jobs)


async def test_a_loop_of_many_rounds_has_few_records_and_few_events() -> None:
    rounds = scaled(3_000, 1_000_000)
    play = Play(LOOP, rounds)
    async with asyncio.timeout(3_600):
        found = await play.run.execute()
    assert isinstance(found, Completed)
    assert found.value == json.dumps({"n": rounds})
    assert len(play.journal.records) <= rounds / 90 + 10
    assert len(play.events) <= 2 * 1_000 + rounds / 100 + 20
    progress = play.told("workflow_task_progress")
    assert progress[-1] == {"taskId": "/do/0/a#1", "done": str(rounds), "total": str(rounds)}


def counted(ask: TaskCall) -> Json:
    """A server that gives back the body."""
    given: Json = json.loads(ask.arguments_json)
    assert isinstance(given, dict)
    return given.get("body")


CALLS: dict[str, Answer] = {HTTP: counted}

NESTED = """
use: {functions: {add: {call: http, with: {method: GET, endpoint: 'https://e.com/', body: '${ . }'}}}}
do:
  - begin: {set: {n: 0}, export: {as: '{seen: []}'}}
  - outer:
      for: {each: o, in: '[range(6)]'}
      do:
        - inner:
            do:
              - deep:
                  for: {each: i, at: j, in: '[range(5)]'}
                  do:
                    - t:
                        try:
                          - add: {call: add, with: {n: '${ .n + $i }'}}
                          - note: {set: {n: '${ .n }'}, export: {as: '{seen: ($context.seen + [[$o, $j]])}'}}
                        catch: {}
  - answer: {set: {n: '${ .n }', seen: '${ $context.seen | length }', first: '${ $context.seen[0] }', input: '${ $workflow.input }'}}
"""


@pytest.mark.parametrize("steps", [7, 30])
async def test_a_long_run_goes_on_as_new_from_inside_of_loops(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    wanted = {"n": 60, "seen": 30, "first": [0, 0], "input": "given"}
    assert await run(NESTED, "given", CALLS) == wanted
    monkeypatch.setattr("stigmer_runner.interpreter.carrying.MOST_STEPS", steps)
    whole = Play(NESTED, "given", CALLS)
    assert await whole.output() == wanted
    assert starts(whole) > 2
    ids = [told["taskId"] for told in whole.told("workflow_task_started")]
    assert len(ids) == len(set(ids)), "no visit is told twice"
    assert len(ids) == len(whole.told("workflow_task_finished"))
    groups = [group for group in whole.journal.groups if group.records]
    for length in range(1, len(groups), max(len(groups) // scaled(6, 40), 1)):
        again = Play(NESTED, "given", CALLS)
        found = await again.outcome(copies(groups[:length]))
        assert isinstance(found, Completed), found
        assert found.value == json.dumps(wanted)


async def test_signals_and_a_pause_outlive_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stigmer_runner.interpreter.carrying.MOST_STEPS", 5)
    text = """
do:
  - count: {set: {n: '${ (.n // 0) + 1 }'}}
  - rest: {wait: 1ms}
  - enough: {switch: [{no: {when: .n < 12, then: count}}]}
  - heard: {listen: {to: {all: [{with: {id: a, type: signal}}, {with: {id: b, type: signal}}]}}}
"""
    play = Play(text, {})
    play.run.signal("signal", "a", "1", "s1", False)
    play.run.signal("signal", "b", '"\u00e9"', "s2", False)
    assert await play.output() == {"a": 1, "b": "é"}
    assert starts(play) >= 5


async def test_an_endless_loop_ends_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stigmer_runner.interpreter.carrying.MOST_STEPS", 20)
    play = Play("do: [{a: {set: {n: '${ (.n // 0) + 1 }'}}}, {b: {wait: 1ms, then: a}}]", {})
    task = asyncio.create_task(play.outcome())
    await eventually(lambda: starts(play) >= 4)
    play.run.cancel("enough")
    assert not isinstance(await task, Completed)


async def test_a_thousand_branches() -> None:
    branches = ", ".join(f"{{b{number}: {{set: {{n: {number}}}}}}}" for number in range(1_000))
    output = await run(f"do: [{{f: {{fork: {{branches: [{branches}]}}, output: {{as: 'length'}}}}}}]")
    assert output == 1_000


async def test_a_thousand_branches_that_compete_with_calls() -> None:
    branch = "{call: http, with: {method: GET, endpoint: 'https://e.com/'}}"
    branches = ", ".join(f"{{b{number}: {branch}}}" for number in range(200))
    slow: dict[str, Answer] = {HTTP: lambda ask: {"$sleep": 60} if not ask.name.endswith("77") else {"won": ask.name}}
    output = await run(f"do: [{{f: {{fork: {{compete: true, branches: [{branches}]}}}}}}]", None, slow)
    assert output in ({"won": "b77"}, {"won": "b177"})


async def test_a_replay_of_many_calls_makes_none() -> None:
    text = "do: [{a: {for: {in: '[range(300)]'}, do: [{b: {call: http, with: {method: GET, endpoint: 'https://e.com/', body: {n: '${ $item }'}}}}]}}]"
    whole = Play(text, None, CALLS)
    assert await whole.output() == {"n": 299}
    again = Play(text, None, CALLS)
    assert isinstance(await again.outcome(copies(whole.journal.groups)), Completed)
    assert again.ledger.calls == []


def nothing_outside() -> dict[str, object]:
    """An engine that takes no events beside an activation."""
    return {}


async def test_where_an_engine_takes_no_events_an_activity_does(monkeypatch: pytest.MonkeyPatch) -> None:
    direct = Play(NESTED, "given", CALLS)
    output = await direct.output()
    monkeypatch.setattr("stigmer_runner.interpreter.telling.extern_functions", nothing_outside)
    for steps in (20_000, 30):
        monkeypatch.setattr("stigmer_runner.interpreter.carrying.MOST_STEPS", steps)
        play = Play(NESTED, "given", CALLS)
        assert await play.output() == output
        assert play.events == []
        told = [(each.WhichOneof("body"), each.workflow_task_started.task_id) for each in play.handed_over]
        wanted = [(each.WhichOneof("body"), each.workflow_task_started.task_id) for each in direct.events]
        kinds = ("workflow_task_progress",)
        assert [each for each in told if each[0] not in kinds] == [each for each in wanted if each[0] not in kinds]


async def test_what_a_cancelled_run_has_to_say_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stigmer_runner.interpreter.telling.extern_functions", nothing_outside)
    play = Play("do: [{a: {do: [{b: {wait: PT1H}}]}}]")
    task = asyncio.create_task(play.outcome())
    await eventually(lambda: any(each.HasField("workflow_task_waiting") for each in play.handed_over))
    play.run.cancel("enough")
    await task
    ended = [each.workflow_task_finished for each in play.handed_over if each.HasField("workflow_task_finished")]
    assert [(each.task_id, each.cancelled) for each in ended] == [("/do/0/a/do/0/b#1", True), ("/do/0/a#1", True)]
