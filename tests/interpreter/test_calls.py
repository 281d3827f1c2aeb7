"""Tasks that have something done: what the activities are asked, and what becomes of their answers."""

import asyncio
import json

import pytest

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis.workflow.document_json import Json
from stigmer_runner.durable.workflow_messages import (
    ACTIVITY,
    AGENT,
    ASK,
    CHILD,
    EMIT,
    GRPC,
    HTTP,
    OPENAPI,
    PROCESS,
    RESOURCE,
    TaskCall,
)
from stigmer_runner.engine.chronicle import Cancelled, Completed
from tests.interpreter.playing import Answer, Play, copies, failure, run
from tests.support.waiting import eventually

ERROR = "https://serverlessworkflow.io/spec/1.0.0/errors/communication"


async def test_http_is_asked_with_all_evaluated() -> None:
    play = Play(
        """
use:
  secrets: [KEY]
  authentications: {mine: {bearer: {token: '${ $secrets.KEY }'}}}
do:
  - get:
      call: http
      with:
        method: GET
        endpoint: {uri: 'https://e.com/{id}?x={q.r}', authentication: mine}
        headers: {a: '${ .id + "h" }'}
      output: {as: .endpoint.uri}
""",
        {"id": "a b", "q": {"r": 1}},
    )
    assert await play.output() == "https://e.com/a%20b?x=1"
    ((name, call),) = play.ledger.calls
    assert name == HTTP
    assert json.loads(call.arguments_json) == {
        "method": "GET",
        "endpoint": {"uri": "https://e.com/a%20b?x=1"},
        "headers": {"a": "a bh"},
    }
    assert json.loads(call.authentication_json) == {"bearer": {"token": "\u2060{stigmer-secret:KEY}"}}
    assert (call.task_id, call.instance, call.key) == ("/do/0/get#1", "/do/0/get", "/do/0/get#1.1")


async def test_authentication_by_a_whole_secret() -> None:
    play = Play(
        "use: {secrets: [K]}\n"
        "do: [{a: {call: http, with: {method: POST, endpoint: {uri: 'https://e.com', authentication: {basic: {use: K}}}}}}]"
    )
    await play.output()
    assert json.loads(play.ledger.calls[0][1].authentication_json) == {"basic": {"use": "\u2060{stigmer-secret:K}"}}


async def test_every_kind_of_call_reaches_its_activity() -> None:
    play = Play(
        """
do:
  - g: {call: grpc, with: {service: {name: a.B, host: h, port: 1}, method: M, arguments: {x: '${ .n }'}}, then: o}
  - o: {call: openapi, input: {from: '{n: 2}'}, with: {document: {endpoint: 'https://e.com/{n}.json'}, operationId: op}}
  - a: {call: agent, with: {agent: helper, message: '${ "do " + .operationId }', schema: {type: object}}}
  - v: {call: activity, with: {name: Act, arguments: ['${ .agent }'], taskQueue: q}}
  - s: {run: {shell: {command: 'echo ${HOME}', environment: {A: '${ .taskQueue }'}}, return: code}}
  - p: {run: {script: {language: python, code: 'print(1)'}}}
  - w: {run: {workflow: {namespace: n, name: '${ .kind }', version: 1.0.0, input: {k: '${ .code }'}}}}
  - l: {run: {await: false, workflow: {name: other}}}
  - e: {emit: {event: {with: {type: t.x, data: {was: '${ .input.k }'}}}}}
""",
        {"n": 1},
    )
    event = await play.output()
    named = play.ledger.named
    assert named(GRPC) == [{"service": {"name": "a.B", "host": "h", "port": 1}, "method": "M", "arguments": {"x": 1}}]
    assert named(OPENAPI) == [{"document": {"endpoint": {"uri": "https://e.com/2.json"}}, "operationId": "op"}]
    assert named(AGENT) == [{"agent": "helper", "message": "do op", "schema": {"type": "object"}}]
    assert named(ACTIVITY) == [{"name": "Act", "arguments": ["helper"], "taskQueue": "q"}]
    shell: Json = {
        "kind": "shell",
        "command": "echo ${HOME}",
        "environment": {"A": "q"},
        "await": True,
        "return": "code",
    }
    script: Json = {"kind": "script", "language": "python", "code": "print(1)", "await": True, "return": "stdout"}
    assert named(PROCESS) == [shell, script]
    first, second = named(CHILD)
    assert first == {"namespace": "n", "name": "script", "version": "1.0.0", "input": {"k": "print(1)"}, "await": True}
    assert isinstance(second, dict)
    assert (second["await"], second["input"]) == (False, first)
    assert isinstance(event, dict)
    assert named(EMIT) == [{"event": event}]
    assert (event["type"], event["source"], event["data"]) == ("t.x", "/workflows/tests/tried", {"was": "print(1)"})
    assert {"id", "time", "specversion"} <= event.keys()


async def test_an_error_of_a_call_is_caught_by_what_it_is() -> None:
    play = Play(
        """
do:
  - t:
      try: [{get: {call: http, with: {method: GET, endpoint: 'https://e.com'}}}]
      catch: {errors: {with: {type: communication, status: 503}}, as: e, do: [{c: {set: {e: '${ $e }'}}}]}
""",
        answers={HTTP: lambda ask: {"$fail": {"type": ERROR, "status": 503, "title": "T", "detail": "D"}}},
    )
    assert await play.output() == {
        "e": {"type": ERROR, "status": 503, "title": "T", "detail": "D", "instance": "/do/0/t/try/0/get"}
    }


def failing(times: int) -> dict[str, Answer]:
    """Answers of HTTP that fail so often."""
    count = [0]

    def answer(ask: TaskCall) -> Json:
        count[0] += 1
        return {"$fail": {"type": ERROR, "status": 503, "title": "Away"}} if count[0] <= times else {"n": count[0]}

    return {HTTP: answer}


RETRYING = """
use: {{retries: {{some: {policy}}}}}
do:
  - t:
      try: [{{get: {{call: http, with: {{method: POST, endpoint: 'https://e.com'}}}}}}]
      catch: {{retry: some}}
"""


async def test_tried_again_by_its_policy() -> None:
    policy = "{delay: {milliseconds: 2}, backoff: {exponential: {}}, limit: {attempt: {count: 4}}, jitter: {from: 0ms, to: 1ms}}"
    play = Play(RETRYING.format(policy=policy), answers=failing(3))
    assert await play.output() == {"n": 4}
    waits = [told["retry"] for told in play.told("workflow_task_waiting")]
    assert [wait["attempt"] for wait in waits if isinstance(wait, dict)] == [2, 3, 4]
    started = [told for told in play.told("workflow_task_started") if told["name"] == "get"]
    assert [told["attempt"] for told in started] == [1, 2, 3, 4]
    assert len({call.key for _, call in play.ledger.calls}) == 4


async def test_attempts_have_an_end() -> None:
    play = Play(RETRYING.format(policy="{limit: {attempt: {count: 3}}}"), answers=failing(100))
    assert await play.output() is None, "the error was caught, and nothing done about it"
    assert len(play.ledger.calls) == 3


async def test_trying_has_an_end_in_time() -> None:
    play = Play(RETRYING.format(policy="{delay: 20ms, limit: {duration: 50ms}}"), answers=failing(100))
    await play.output()
    assert 1 <= len(play.ledger.calls) <= 3


async def test_only_what_the_policy_means_is_tried_again() -> None:
    play = Play(RETRYING.format(policy="{when: '.status == 500', limit: {attempt: {count: 3}}}"), answers=failing(9))
    await play.output()
    assert len(play.ledger.calls) == 1
    play = Play(RETRYING.format(policy="{exceptWhen: '$error.status == 503'}"), answers=failing(9))
    await play.output()
    assert len(play.ledger.calls) == 1


async def test_an_attempt_has_its_time() -> None:
    slow: dict[str, Answer] = {HTTP: lambda ask: {"$sleep": 30} if ask.attempt == 1 else {"ok": True}}
    play = Play(RETRYING.format(policy="{limit: {attempt: {count: 2, duration: 20ms}}}"), answers=slow)
    assert await play.output() == {"ok": True}


async def test_a_time_that_is_over_stops_the_call() -> None:
    text = "do: [{a: {timeout: {after: 20ms}, call: http, with: {method: GET, endpoint: 'https://e.com'}}}]"
    play = Play(text, answers={HTTP: lambda ask: {"$sleep": 60}})
    assert "longer than 0.02 s" in await play.failure()
    (call,) = [call for _, call in play.ledger.calls]
    assert 0 < call.timeout_seconds <= 0.02


async def test_losers_of_a_competition_are_stopped() -> None:
    text = """
do:
  - f:
      fork:
        compete: true
        branches:
          - slow: {call: http, with: {method: GET, endpoint: 'https://e.com'}}
          - fast: {wait: 20ms}
"""
    play = Play(text, {"x": 1}, {HTTP: lambda ask: {"$sleep": 60}})
    assert await play.output() == {"x": 1}
    (stopped,) = [told for told in play.told("workflow_task_finished") if told.get("cancelled")]
    assert stopped["taskId"] == "/do/0/f/fork/branches/0/slow#1"


async def test_cancelling_ends_what_runs() -> None:
    text = "do: [{t: {try: [{a: {call: http, with: {method: GET, endpoint: 'https://e.com'}}}], catch: {retry: {}}}}]"
    play = Play(text, answers={HTTP: lambda ask: {"$sleep": 60}})
    task = asyncio.create_task(play.outcome())
    await eventually(lambda: bool(play.ledger.calls))
    play.run.cancel("enough", command_id="c1")
    assert await task == Cancelled("enough")
    assert [told.get("cancelled") for told in play.told("workflow_task_finished")] == [True, True]


def until_first_start(play: Play) -> list[JournalRecord]:
    """The journal up to the start of the first activity."""
    records = copies(play.journal.groups)
    at = next(number for number, record in enumerate(records) if record.WhichOneof("entry") == "activity_started")
    return records[: at + 1]


async def test_an_outcome_that_nobody_knows_is_put_to_the_person() -> None:
    text = "do: [{a: {run: {shell: {command: ship}}}}]"
    whole = Play(text)
    await whole.output()
    records = until_first_start(whole)
    for answer, calls in (("retry", [ASK, PROCESS]), ("done", [ASK])):
        again = Play(text, answers={ASK: lambda ask, answer=answer: answer, PROCESS: lambda ask: "shipped"})
        found = await again.outcome(records)
        assert isinstance(found, Completed), found
        assert [name for name, _ in again.ledger.calls] == calls
    refused = Play(text, answers={ASK: lambda ask: "fail"})
    assert "nobody knows how far it came" in str(await refused.outcome(records))


async def test_what_may_be_repeated_is_not_asked_about() -> None:
    for text in (
        "do: [{a: {call: http, with: {method: GET, endpoint: 'https://e.com'}}}]",
        "do: [{a: {run: {shell: {command: look}}, metadata: {idempotent: true}}}]",
    ):
        whole = Play(text)
        await whole.output()
        again = Play(text)
        assert isinstance(await again.outcome(until_first_start(whole)), Completed)
        assert [name for name, _ in again.ledger.calls] != [ASK]


async def test_a_call_that_nobody_can_do_and_names_that_lead_nowhere() -> None:
    assert "catalogs are not read" in await failure("do: [{a: {call: 'f:1.0.0@main'}}]")
    assert "`use.retries` has no `gone`" in await failure(
        "do: [{t: {try: [{a: {raise: {error: {type: x, status: 400}}}}], catch: {retry: gone}}}]"
    )


UNDOING = """
do:
  - t:
      try:
        - book: {call: http, with: {method: POST, endpoint: 'https://e.com/book'}}
        - long: {call: http, with: {method: POST, endpoint: 'https://e.com/long'}}
      catch:
        errors: {with: {type: cancelled}}
        do:
          - rest: {wait: 1ms}
          - undo: {call: http, with: {method: DELETE, endpoint: 'https://e.com/book'}}
  - never: {set: {x: 1}}
"""


async def test_what_was_done_is_undone_when_it_is_cancelled() -> None:
    play = Play(UNDOING, answers={HTTP: lambda ask: {"$sleep": 60} if ask.name == "long" else None})
    task = asyncio.create_task(play.outcome())
    await eventually(lambda: len(play.ledger.calls) == 2)
    play.run.cancel("enough")
    assert await task == Cancelled("enough")
    assert [call.name for _, call in play.ledger.calls] == ["book", "long", "undo"]
    ends = {str(told["taskId"]): told.get("cancelled", False) for told in play.told("workflow_task_finished")}
    assert ends["/do/0/t/catch/do/1/undo#1"] is False
    assert ends["/do/0/t#1"] is True
    groups = [group for group in play.journal.groups if group.records]
    for length in range(2, len(groups)):
        again = Play(UNDOING, answers={HTTP: lambda ask: None, ASK: lambda ask: "retry"})
        found = await again.outcome(copies(groups[:length]))
        assert isinstance(found, Cancelled | Completed)


async def test_what_a_time_limit_stops_is_undone() -> None:
    text = UNDOING.replace("  - t:\n", "  - t:\n      timeout: {after: 30ms}\n")
    play = Play(text, answers={HTTP: lambda ask: {"$sleep": 60} if ask.name == "long" else None})
    assert "longer than 0.03 s" in await play.failure()
    assert [call.name for _, call in play.ledger.calls] == ["book", "long", "undo"]


async def test_a_schema_that_lies_elsewhere_is_fetched_once() -> None:
    text = """
input: {schema: {resource: {endpoint: 'https://e.com/whole.json'}}}
do:
  - a:
      for: {in: '[1, 2, "x"]'}
      do: [{b: {input: {from: $item, schema: {resource: {endpoint: {uri: 'https://e.com/n.json'}}}}, set: {n: '${ . }'}}}]
"""

    def schema(ask: TaskCall) -> Json:
        return json.dumps({"type": "object" if "whole" in ask.arguments_json else ["number", "object", "null"]})

    play = Play(text, {}, {RESOURCE: schema})
    await play.output()
    assert [call.instance for _, call in play.ledger.calls] == ["/", "/do/0/a/do/0/b"]
    assert "the input: 1 is not of type 'object'" in await Play(text, 1, {RESOURCE: schema}).failure()


@pytest.mark.parametrize(
    "answer", [{"done": True}, {"$fail": {"type": "https://e.com/x", "status": 500}}], ids=["works", "fails"]
)
async def test_time_that_runs_out_counts_though_the_call_comes_to_its_end(answer: dict[str, Json]) -> None:
    """What stands behind the call is not begun."""
    text = """
do:
  - late:
      try:
        - both:
            timeout: {after: 20ms}
            do:
              - once:
                  try: [{call: {call: http, with: {method: POST, endpoint: "https://e.com/"}}}]
                  catch: {errors: {with: {status: 500}}, do: [{well: {set: {x: 1}}}]}
              - never: {wait: PT1H}
      catch: {errors: {with: {type: timeout}}, do: [{say: {set: {late: true}}}]}
"""
    assert await run(text, None, {HTTP: lambda _: {"$whatever": 0.2} | answer}) == {"late": True}


async def test_somebody_outside_is_waited_for_anew_unasked() -> None:
    """Wherever the runner died: the token is the same."""
    text = "do: [{pay: {call: activity, with: {name: pay}}}]"
    whole = Play(text, None, {ACTIVITY: lambda _: {"paid": True}})
    assert await whole.output() == {"paid": True}
    for length in range(1, len(whole.journal.groups)):
        again = Play(text, None, {ACTIVITY: lambda _: {"paid": True}})
        assert isinstance(await again.outcome(copies(whole.journal.groups[:length])), Completed)
        assert again.ledger.named(ASK) == []
