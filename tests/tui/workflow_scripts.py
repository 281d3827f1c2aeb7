"""Runs of workflows as their events tell them."""

from collections.abc import Sequence

from google.protobuf.json_format import Parse
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.workflow.values import Json, value_of

ORDERS = """
document: {dsl: 1.0.0, namespace: shop, name: orders, version: 1.0.0}
do:
  - fetch:
      call: http
      with: {method: GET, endpoint: https://orders.example.com/open}
  - each:
      for: {each: order, in: "${ .orders }"}
      do:
        - check:
            set: {ok: "${ $order.price < 100 }"}
  - pay:
      try:
        - charge:
            run: {shell: {command: charge}}
      catch:
        errors: {with: {type: https://serverlessworkflow.io/spec/1.0.0/errors/runtime}}
        retry: {delay: {seconds: 5}, limit: {attempt: {count: 3}}}
        do:
          - tell: {emit: {event: {with: {source: https://example.com, type: com.example.failed}}}}
  - ask:
      fork:
        compete: true
        branches:
          - person: {listen: {to: {one: {with: {id: approved, type: signal}}}}}
          - agent: {call: agent, with: {agent: reviewer, message: is this all right?}}
  - how:
      switch:
        - big: {when: "${ .total > 1000 }", then: end}
        - small: {then: ship}
  - ship:
      set: {shipped: true}
"""


def value(json: Json) -> Value:
    """As events have it."""
    return value_of(json)


def started(
    path: str, kind: str = "set", *, visit: int = 1, parent: str = "", attempt: int = 1, index: int | None = None,
    branch: str = "", input: Json = None, at: float = 0.0,
) -> ev.Event:  # fmt: skip
    """A task begins; `at`: seconds since 1970, 0 for now."""
    told = ev.WorkflowTaskStarted(
        task_id=f"{path}#{visit}",
        name=path.rpartition("/")[2],
        kind=kind,
        path=path,
        parent_task_id=parent,
        attempt=attempt,
        branch=branch,
    )
    if index is not None:
        told.index = index
    if input is not None:
        told.input.CopyFrom(value(input))
    return ev.Event(workflow_task_started=told, time_unix_micros=int(at * 1e6))


def finished(
    path: str, *, visit: int = 1, output: Json = None, error: str = "", detail: str = "", then: str = "",
    skipped: str = "", cancelled: bool = False, at: float = 0.0,
) -> ev.Event:  # fmt: skip
    """A task is over; `detail`: the whole error as JSON."""
    told = ev.WorkflowTaskFinished(task_id=f"{path}#{visit}", error=error, then=then, cancelled=cancelled)
    if skipped:
        told.skipped, told.skipped_because = True, skipped
    if output is not None:
        told.output.CopyFrom(value(output))
    if detail:
        Parse(detail, told.error_detail)
    return ev.Event(workflow_task_finished=told, time_unix_micros=int(at * 1e6))


def waiting(
    path: str, *, visit: int = 1, signals: Sequence[str] = (), child: str = "", retry: int = 0, moment: float = 0.0, error: str = ""
) -> ev.Event:  # fmt: skip
    """A task waits: for signals, a child, its next attempt at a moment, or until a moment."""
    told = ev.WorkflowTaskWaiting(task_id=f"{path}#{visit}")
    micros = int(moment * 1e6)
    if signals:
        told.signals.names.extend(signals)
    elif child:
        told.child_execution_id = child
    elif retry:
        told.retry.attempt, told.retry.at_unix_micros, told.retry.error = retry, micros, error
    else:
        told.timer_until_micros = micros
    return ev.Event(workflow_task_waiting=told)


def progress(path: str, done: int, total: int) -> ev.Event:
    """A loop goes on."""
    return ev.Event(workflow_task_progress=ev.WorkflowTaskProgress(task_id=f"{path}#1", done=done, total=total))


FETCH, EACH, CHECK = "/do/0/fetch", "/do/1/each", "/do/1/each/do/0/check"
PAY, CHARGE, ASK = "/do/2/pay", "/do/2/pay/try/0/charge", "/do/3/ask"
PERSON, AGENT, HOW, SHIP = f"{ASK}/fork/branches/0/person", f"{ASK}/fork/branches/1/agent", "/do/4/how", "/do/5/ship"
CHILD = "aex-01m7xzs8a00000000000000007"


def orders_until_asked(now: float) -> list[ev.Event]:
    """Orders are fetched, looked at and paid; then a person and an agent are asked."""
    past = now - 95.0
    return [
        started(FETCH, "call:http", input={"shop": 7}, at=past),
        finished(FETCH, output={"orders": [{"price": 20}, {"price": 70}], "page": 1}, at=past + 1.2),
        started(EACH, "for", at=past + 1.2),
        *(
            event
            for turn in range(2)
            for event in (
                started(CHECK, visit=turn + 1, parent=f"{EACH}#1", index=turn, at=past + 1.3 + turn),
                finished(CHECK, visit=turn + 1, output={"ok": True}, at=past + 1.4 + turn),
            )
        ),
        progress(EACH, 2, 2),
        finished(EACH, output={"ok": True}, at=past + 3),
        started(PAY, "try", at=past + 3),
        started(CHARGE, "run:shell", parent=f"{PAY}#1", at=past + 3),
        finished(
            CHARGE,
            error="it ended with 1",
            detail='{"status": 500, "title": "Runtime", "type": "runtime"}',
            at=past + 5,
        ),
        waiting(PAY, retry=2, moment=past + 10, error="it ended with 1"),
        started(PAY, "try", attempt=2, at=past + 10),
        started(CHARGE, "run:shell", visit=2, parent=f"{PAY}#1", attempt=2, at=past + 10),
        finished(CHARGE, visit=2, output={"receipt": "r-1"}, at=past + 12),
        finished(PAY, output={"receipt": "r-1"}, at=past + 12),
        started(ASK, "fork", at=past + 12),
        started(PERSON, "listen", parent=f"{ASK}#1", branch="person", at=past + 12),
        waiting(PERSON, signals=["approved"]),
        started(AGENT, "call:agent", parent=f"{ASK}#1", branch="agent", at=past + 12),
        waiting(AGENT, child=CHILD),
    ]
