"""A run that failed goes on where it failed, or at a task: what was done is taken over, whatever it is inside of."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import count

import pytest
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.workflow.document_json import Json
from stigmer_apis.workflow.event_values import Inexact, exact
from stigmer_apis.workflow.resuming import CannotGoOn, Past, Resumption, TaskSearch
from stigmer_runner.durable.workflow_messages import ACTIVITY, HTTP, PROCESS, TaskCall
from stigmer_runner.engine.chronicle import Completed
from stigmer_runner.interpreter.telling import shown
from tests.interpreter.playing import Answer, Play
from tests.support.scale import scaled

POST = "call: http, with: {method: post, endpoint: 'http://site.test/%s', body: '${ . }'}"


def _post(where: str) -> str:
    return f"{{{POST % where}}}"


DOCUMENTS = {
    "list": f"""
input: {{from: '${{ {{n: .n}} }}'}}
do:
  - a: {_post("a")}
  - b: {{set: {{seen: '${{ . }}'}}, export: {{as: '${{ $context + {{b: $output}} }}'}}}}
  - skipped: {{if: '${{ false }}', set: {{x: 1}}}}
  - c: {_post("c")}
  - d: {{switch: [{{over: {{when: '${{ true }}', then: f}}}}]}}
  - e: {_post("e")}
  - f: {_post("f")}
  - end: {{set: {{out: '${{ . }}', kept: '${{ $context }}', began: '${{ $workflow.input }}', taken: '${{ $input }}'}}}}
""",
    "for": f"""
do:
  - each:
      for: {{each: one, at: place, in: '${{ [10, 20, 30] }}'}}
      input: {{from: '${{ {{list: []}} }}'}}
      do:
        - send: {_post("send")}
        - inner:
            for: {{each: two, in: '${{ [1, 2] }}'}}
            do:
              - deep: {_post("deep")}
              - note: {{set: {{place: '${{ $place }}', one: '${{ $one }}', two: '${{ $two }}', from: '${{ . }}'}}}}
        - last: {_post("last")}
  - after: {_post("after")}
""",
    "fork": f"""
do:
  - first: {_post("first")}
  - sides:
      fork:
        branches:
          - left: {{do: [{{l1: {_post("l1")}}}, {{l2: {_post("l2")}}}]}}
          - right:
              do:
                - r1: {_post("r1")}
                - deeper: {{fork: {{branches: [{{x: {_post("x")}}}, {{y: {_post("y")}}}]}}}}
                - r2: {_post("r2")}
          - alone: {_post("alone")}
  - after: {_post("after")}
""",
    "try": f"""
use: {{functions: {{twice: {{do: [{{p: {_post("p")}}}, {{q: {_post("q")}}}]}}}}}}
do:
  - guarded:
      try:
        - t1: {_post("t1")}
        - bad: {{raise: {{error: {{type: 'https://e.test/x', status: 409, title: Refused}}}}}}
      catch:
        as: why
        errors: {{with: {{status: 409}}}}
        do:
          - c1: {_post("c1")}
          - c2: {{set: {{why: '${{ $why.status }}'}}}}
          - c3: {_post("c3")}
  - fun: {{call: twice, with: {{given: '${{ . }}'}}}}
  - exit:
      do:
        - e1: {{call: http, with: {{method: post, endpoint: 'http://site.test/e1', body: '${{ . }}'}}, then: exit}}
        - never: {_post("never")}
  - timed: {{timeout: {{after: PT1H}}, do: [{{m: {_post("m")}}}, {{n: {_post("n")}}}]}}
""",
}
GIVEN: Json = {"n": 7, "other": True}


class World:
    """What calls reach: it answers each with their number, and refuses the one at `refuses` once."""

    def __init__(self, refuses: int = -1) -> None:
        self.seen: Counter[str] = Counter()
        self._numbers = count()
        self._refuses = refuses
        self.refused = ""

    def answer(self, call: TaskCall) -> Json:
        """One call."""
        given = json.dumps(json.loads(call.arguments_json), sort_keys=True)
        place = f"{call.instance} {given}"
        if next(self._numbers) == self._refuses:
            self._refuses = -1
            self.refused = place
            return {"$fail": {"type": "https://e.test/refused", "status": 500, "title": "refused"}}
        self.seen[place] += 1
        return {"from": call.name, "after": given[-40:]}

    def answers(self) -> dict[str, Answer]:
        """For a play."""
        return {HTTP: self.answer, ACTIVITY: self.answer, PROCESS: self.answer}


def _go_on(events: Iterable[Event], target: str = "") -> Resumption:
    past = Past(target)
    for event in events:
        past.take(event)
    return past.resumption()


def _task(events: Iterable[Event], wanted: str) -> str:
    search = TaskSearch(wanted)
    for event in events:
        search.take(event)
    return search.found()


def _again(play: Play, text: str, given: Json, answers: dict[str, Answer], target: str = "") -> tuple[Play, Resumption]:
    found = _go_on(play.events, target)
    return Play(text, given, answers, carried_json=found.carried_json), found


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
async def test_each_call_is_refused_once_and_nothing_that_was_done_is_done_again(name: str) -> None:
    text, given = DOCUMENTS[name], GIVEN
    whole = World()
    expected = await Play(text, given, whole.answers()).output()
    for number in range(sum(whole.seen.values())):
        world = World(number)
        first = Play(text, given, world.answers())
        assert not isinstance(await first.outcome(), Completed)
        second, found = _again(first, text, given, world.answers())
        assert await second.output() == expected, (name, number, world.refused)
        assert world.seen == whole.seen, (name, number, world.refused)
        ids = [end.workflow_task_finished.task_id for end in found.events if end.HasField("workflow_task_finished")]
        assert len(ids) == len(set(ids)) == found.done
        assert not set(ids) & set(second.ends())
        assert any(path.endswith(world.refused.split(" ")[0]) for path in found.begins)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
async def test_from_each_task_of_a_run_that_completed(name: str) -> None:
    text, given = DOCUMENTS[name], GIVEN
    world = World()
    first = Play(text, given, world.answers())
    expected = await first.output()
    begun = [event.workflow_task_started.task_id for event in first.events if event.HasField("workflow_task_started")]
    for target in begun[:: scaled(4, 1)]:
        again = World()
        second, found = _again(first, text, given, again.answers(), target)
        assert await second.output() == expected, (name, target)
        assert target.rpartition("#")[0] in found.begins
        assert not again.seen - world.seen, (name, target)


async def test_a_run_that_went_on_and_failed_again_goes_on_again() -> None:
    text, given = DOCUMENTS["list"], GIVEN
    expected = await Play(text, given, World().answers()).output()
    first = Play(text, given, World(1).answers())
    assert not isinstance(await first.outcome(), Completed)
    second, found = _again(first, text, given, World(1).answers())
    assert not isinstance(await second.outcome(), Completed)
    begin = Event()
    assert found.context is not None
    begin.execution_created.context.CopyFrom(found.context)
    third = _go_on([begin, *found.events, *second.events])
    assert [path.rpartition("/")[2] for path in third.begins] == ["f"]
    play = Play(text, given, World().answers(), carried_json=third.carried_json)
    assert await play.output() == expected


async def test_what_cannot_be_told_is_refused_with_the_task() -> None:
    big = "do: [{a: {set: {long: '${ [range(30000)] }'}}}, {b: {call: http, with: {method: post, endpoint: 'http://s.test'}}}]"
    play = Play(big, None, World(0).answers())
    assert not isinstance(await play.outcome(), Completed)
    with pytest.raises(CannotGoOn, match=r"/do/1/b: what it takes is not whole .* only the number is kept"):
        _go_on(play.events)
    assert _go_on(play.events, "/do/0/a#1").begins == ["/do/0/a"]
    with pytest.raises(CannotGoOn, match="no task `zz` began") as none:
        _task(play.events, "zz")
    assert none.value.remedy == "begun had a, b"
    with pytest.raises(CannotGoOn, match="no task of it had begun"):
        _go_on([])
    twice = "do: [{a: {do: [{x: {set: {n: 1}}}]}}, {x: {set: {n: 2}}}]"
    told = Play(twice)
    await told.output()
    with pytest.raises(CannotGoOn, match="several tasks") as several:
        _task(told.events, "x")
    assert "/do/0/a/do/0/x or /do/1/x" in several.value.remedy
    assert _task(told.events, "/do/1/x") == "/do/1/x#1"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (2**60, "15 digits"),
        ("the key is [secret KEY]", "secret"),
        ({"[secret KEY]": 1}, "secret"),
        ("x" * 100_000, "100,000"),
        (float("inf"), "JSON has not"),
    ],
)
def test_a_value_is_as_it_was_or_refused(data: Json, why: str) -> None:
    with pytest.raises(Inexact, match=why):
        exact(shown(data))


def test_values_are_as_they_were() -> None:
    data: Json = {"a": [1, 2.5, True, None, "[public OTHER]", {}], "b": {"c": [[]]}, "d": -(2**53)}
    assert exact(shown(data)) == data
    deep: Json = 1
    for _ in range(30):
        deep = [deep]
    with pytest.raises(Inexact, match="nested"):
        exact(shown(deep))
    assert exact(Value()) is None
