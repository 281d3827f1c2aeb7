"""Signals and events: kept until a task listens, filtered, correlated, read; pause and resume."""

import asyncio
import json

from stigmer_apis.workflow.document_json import Json
from tests.interpreter.playing import Play
from tests.support.waiting import eventually


async def heard(text: str, *letters: tuple[str, Json, bool], given: Json = None, early: bool = False) -> Json:
    """The output of a document that is sent letters: name, data, whether it is an event. `early`: before it begins."""
    play = Play(text, given)
    if early:
        send(play, *letters)
    task = asyncio.create_task(play.output())
    if not early:
        await eventually(lambda: bool(play.told("workflow_task_waiting")) or task.done())
        send(play, *letters)
    return await task


def send(play: Play, *letters: tuple[str, Json, bool]) -> None:
    """Send letters."""
    for number, (name, data, is_event) in enumerate(letters):
        play.run.signal("signal", name, json.dumps(data), f"c{number}", is_event, command_id=f"c{number}")


ONE = "do: [{a: {listen: {to: {one: {with: {id: go, type: signal}}}}}}]"


async def test_a_signal_gives_its_data_whether_early_or_late() -> None:
    for early in (False, True):
        assert await heard(ONE, ("other", 1, False), ("go", {"ok": True}, False), early=early) == {"ok": True}


async def test_what_it_waits_for_and_what_came_is_told() -> None:
    play = Play(ONE)
    send(play, ("go", 5, False))
    await play.output()
    assert play.told("workflow_task_waiting")[0]["signals"] == {"names": ["go"]}
    assert play.told("workflow_signalled") == [{"name": "go", "id": "c0", "data": 5.0}]


async def test_any_and_all_signals_give_them_by_name() -> None:
    filters = "[{with: {id: a, type: signal}}, {with: {id: b, type: signal}}]"
    assert await heard(f"do: [{{l: {{listen: {{to: {{any: {filters}}}}}}}}}]", ("b", 2, False)) == {"b": 2}
    text = f"do: [{{l: {{listen: {{to: {{all: {filters}}}}}}}}}]"
    assert await heard(text, ("b", 2, False), ("b", 3, False), ("a", 1, False)) == {"a": 1, "b": 2}


EVENT: Json = {"id": "e1", "type": "t.order", "source": "https://e.com/shop/1", "data": {"n": 5, "order": "o1"}}


async def test_events_by_attributes_expressions_and_patterns() -> None:
    other: Json = {"id": "e0", "type": "t.order", "source": "https://e.com/x", "data": {"n": 9}}
    small: Json = {**EVENT, "data": {"n": 1}} if isinstance(EVENT, dict) else None
    with_ = "{type: t.order, source: 'https://e.com/shop/.*', data: '${ .n > 2 }'}"
    text = f"do: [{{l: {{listen: {{to: {{one: {{with: {with_}}}}}}}}}}}]"
    letters = [("t.order", each, True) for each in (other, small, EVENT)]
    assert await heard(text, *letters) == [{"n": 5, "order": "o1"}]
    envelope = text.replace("listen: {", "listen: {read: envelope, ")
    assert await heard(envelope, *letters) == [EVENT]


async def test_events_that_belong_together() -> None:
    def event(kind: str, order: str) -> tuple[str, Json, bool]:
        return kind, {"id": f"{kind}{order}", "type": kind, "source": "s", "data": {"order": order}}, True

    text = """
do:
  - l:
      listen:
        to:
          all:
            - {with: {type: paid}, correlate: {order: {from: .data.order}}}
            - {with: {type: sent}, correlate: {order: {from: .data.order}}}
"""
    found = await heard(text, event("paid", "1"), event("sent", "2"), event("sent", "1"))
    assert found == [{"order": "1"}, {"order": "1"}]
    expecting = text.replace("from: .data.order}", "from: .data.order, expect: '${ .want }'}")
    found = await heard(expecting, event("paid", "1"), event("paid", "2"), event("sent", "2"), given={"want": "2"})
    assert found == [{"order": "2"}, {"order": "2"}]


async def test_each_event_until_a_condition_holds() -> None:
    text = """
do:
  - l:
      listen: {to: {any: [{with: {type: n}}], until: '(. | length) >= 3'}}
      foreach: {item: it, at: i, do: [{s: {set: {x: '${ $it * 10 + $i }'}}}], output: {as: .x}}
"""
    letters: list[tuple[str, Json, bool]] = [("n", number, False) for number in (1, 2, 3, 4)]
    assert await heard(text, *letters) == [10, 21, 32]


async def test_each_event_until_another_comes() -> None:
    text = "do: [{l: {listen: {to: {any: [{with: {type: n}}], until: {one: {with: {type: stop}}}}}}}]"
    play = Play(text)
    task = asyncio.create_task(play.output())
    for letter in (("n", 1, False), ("n", 2, False)):
        send_one(play, letter)
    await eventually(lambda: len(play.told("workflow_task_waiting")) >= 3)
    send_one(play, ("stop", None, False))
    assert await task == [1, 2]


def send_one(play: Play, letter: tuple[str, Json, bool]) -> None:
    """Send one letter."""
    name, data, is_event = letter
    play.run.signal("signal", name, json.dumps(data), name, is_event)


async def test_two_who_listen_at_once_hear_the_same_and_a_later_one_does_not() -> None:
    listen = "listen: {to: {one: {with: {id: go, type: signal}}}}"
    text = f"""
do:
  - f: {{fork: {{branches: [{{a: {{{listen}}}}}, {{b: {{{listen}}}}}]}}}}
  - c: {{timeout: {{after: 30ms}}, {listen}}}
"""
    play = Play(text)
    task = asyncio.create_task(play.failure())
    await eventually(lambda: len(play.told("workflow_task_waiting")) >= 2)
    send(play, ("go", 7, False))
    assert "longer than 0.03 s" in await task
    (joined,) = [each for each in play.told("workflow_task_finished") if each["taskId"] == "/do/0/f#1"]
    assert joined["output"] == [7.0, 7.0]


async def test_a_pause_lets_nothing_begin() -> None:
    play = Play("do: [{a: {listen: {to: {one: {with: {id: go, type: signal}}}}}}, {b: {set: {x: 1}}}]")
    task = asyncio.create_task(play.output())
    await eventually(lambda: bool(play.told("workflow_task_waiting")))
    play.run.signal("pause")
    send(play, ("go", 1, False))
    await eventually(lambda: "/do/0/a#1" in play.ends())
    await asyncio.sleep(0.05)
    assert "/do/1/b#1" not in [told["taskId"] for told in play.told("workflow_task_started")]
    play.run.signal("resume")
    assert await task == {"x": 1}
