"""Data and ways of a document: set, switch, then, shaping, schemas."""

import pytest

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.workflow.document_json import Json
from tests.interpreter.playing import HEAD, Play, failure, run

CASES: list[tuple[str, str, Json, Json]] = [
    ("set replaces the data", "do: [{a: {set: {x: '${ .n }'}}}, {b: {set: {y: 1}}}]", {"n": 1}, {"y": 1}),
    ("set by one expression", "do: [{a: {set: '${ . + {b: 2} }'}}]", {"a": 1}, {"a": 1, "b": 2}),
    ("nested data is evaluated", "do: [{a: {set: {x: {y: ['${ .n }', 2, true, null]}}}}]", {"n": 1}, {"x": {"y": [1, 2, True, None]}}),
    ("a text with ${ inside stays", "do: [{a: {set: {x: 'a ${ .n }'}}}]", {"n": 1}, {"x": "a ${ .n }"}),
    ("input.from", "do: [{a: {input: {from: .user}, set: {id: '${ .id }', all: '${ $input }'}}}]", {"user": {"id": 7}}, {"id": 7, "all": {"id": 7}}),
    ("input.from a mapping", "do: [{a: {input: {from: {id: '${ .user.id }'}}, set: {it: '${ . }'}}}]", {"user": {"id": 7}}, {"it": {"id": 7}}),
    ("output.as", "do: [{a: {set: {x: 1}, output: {as: '${ .x + $input.n }'}}}]", {"n": 2}, 3),
    ("export.as and the context", "do: [{a: {set: {x: 1}, export: {as: '${ $context + {kept: $output.x} }'}}}, {b: {set: {c: '${ $context }'}}}]", {}, {"c": {"kept": 1}}),
    ("the workflow's input and output", "input: {from: .in}\noutput: {as: '{out: .x}'}\ndo: [{a: {set: {x: '${ .n + $workflow.input.in.n }'}}}]", {"in": {"n": 2}}, {"out": 4}),
    ("if skips", "do: [{a: {if: .no, set: {x: 1}}}, {b: {if: '${ .n == 1 }', set: {y: '${ .n }'}}}]", {"n": 1}, {"y": 1}),
    ("then goes on elsewhere", "do: [{a: {set: {x: 1}, then: c}}, {b: {set: {x: 2}}}, {c: {set: {y: '${ .x }'}}}]", {}, {"y": 1}),
    ("then end", "do: [{a: {set: {x: 1}, then: end}}, {b: {set: {x: 2}}}]", {}, {"x": 1}),
    ("exit leaves its list", "do: [{a: {do: [{b: {set: {x: 1}, then: exit}}, {c: {set: {x: 2}}}]}}, {d: {set: {y: '${ .x }'}}}]", {}, {"y": 1}),
    ("end inside ends all", "do: [{a: {do: [{b: {set: {x: 1}, then: end}}]}}, {d: {set: {y: 2}}}]", {}, {"x": 1}),
    ("switch", "do: [{s: {switch: [{r: {when: '.c == \"r\"', then: red}}, {o: {then: other}}]}}, {red: {set: {is: r}, then: end}}, {other: {set: {is: o}}}]", {"c": "r"}, {"is": "r"}),
    ("switch by default", "do: [{s: {switch: [{r: {when: '.c == \"r\"', then: red}}, {o: {then: other}}]}}, {red: {set: {is: r}, then: end}}, {other: {set: {is: o}}}]", {"c": "b"}, {"is": "o"}),
    ("switch without a case that holds goes on", "do: [{s: {switch: [{r: {when: .no, then: end}}]}}, {n: {set: {x: 1}}}]", {}, {"x": 1}),
    ("a way back", "do: [{a: {set: {n: '${ .n + 1 }'}}}, {s: {switch: [{m: {when: .n < 5, then: a}}]}}]", {"n": 0}, {"n": 5}),
    ("for hands on", "do: [{a: {for: {each: c, at: i, in: .cs}, do: [{b: {set: {cs: '${ .cs }', got: '${ .got + [$c, $i] }'}}}], output: {as: .got}}}]", {"cs": ["r", "g"]}, ["r", 0, "g", 1]),
    ("for while", "do: [{a: {for: {in: '[range(10)]'}, while: '(.n // 0) < 3', do: [{b: {set: {n: '${ (.n // 0) + 1 }', last: '${ $item }'}}}]}}]", {}, {"n": 3, "last": 2}),
    ("for over nothing", "do: [{a: {for: {in: '[]'}, do: [{b: {set: {n: 1}}}]}}]", {"x": 1}, {"x": 1}),
    ("for over a mapping", "do: [{a: {for: {in: .m}, do: [{b: {set: {m: 1, k: '${ (.k // \"\") + $item.key }'}}}], output: {as: .k}}}]", {"m": {"a": 1, "b": 2}}, "ab"),
    ("fork", "do: [{f: {fork: {branches: [{a: {set: {x: 1}}}, {b: {do: [{w: {wait: {milliseconds: 5}}}, {s: {set: {x: 2}}}]}}, {c: {set: {x: 3}}}]}}}]", {}, [{"x": 1}, {"x": 2}, {"x": 3}]),
    ("fork, the first wins", "do: [{f: {fork: {compete: true, branches: [{a: {do: [{w: {wait: PT10M}}, {s: {set: {x: 1}}}]}}, {b: {set: {x: 2}}}]}}}]", {}, {"x": 2}),
    ("fork, who fails has not won", "do: [{f: {fork: {compete: true, branches: [{a: {raise: {error: {type: x, status: 400}}}}, {b: {do: [{w: {wait: 5ms}}, {s: {set: {x: 2}}}]}}]}}}]", {}, {"x": 2}),
    ("try without an error", "do: [{t: {try: [{a: {set: {x: 1}}}], catch: {}}}]", {}, {"x": 1}),
    ("an error is caught", "do: [{t: {try: [{a: {raise: {error: {type: 'https://example.com/e', status: 418, title: T, detail: '${ .d }'}}}}], catch: {as: e, do: [{c: {set: {e: '${ $e }'}}}]}}}]", {"d": "D"}, {"e": {"type": "https://example.com/e", "status": 418, "title": "T", "detail": "D", "instance": "/do/0/t/try/0/a"}}),
    ("caught by its kind", "do: [{t: {try: [{a: {set: {x: '${ error(\"no\") }'}}}], catch: {errors: {with: {type: expression, status: 400}}, do: [{c: {set: {e: '${ $error.title }'}}}]}}}]", {}, {"e": "An expression failed"}),
    ("caught without do", "do: [{t: {try: [{a: {raise: {error: {type: x, status: 400}}}}], catch: {when: '$error.status == 400', exceptWhen: '$error.status == 404'}}}]", {"k": 1}, {"k": 1}),
    ("a function", "use: {functions: {twice: {set: {d: '${ .n * 2 }'}}}}\ndo: [{a: {call: twice, with: {n: '${ .x + 1 }'}}}]", {"x": 2}, {"d": 6}),
    ("an error of use", "use: {errors: {gone: {type: 'https://e.com/g', status: 410, title: Gone}}}\ndo: [{t: {try: [{a: {raise: {error: gone}}}], catch: {do: [{c: {set: {s: '${ $error.status }'}}}]}}}]", {}, {"s": 410}),
    ("$task", "do: [{a: {set: {n: '${ $task.name }', r: '${ $task.reference }', i: '${ $task.input }', d: '${ $task.definition | keys }'}}}]", 3, {"n": "a", "r": "/do/0/a", "i": 3, "d": ["set"]}),
    ("$workflow and $runtime", "do: [{a: {set: {n: '${ $workflow.definition.document.name }', i: '${ $workflow.id }', r: '${ $runtime.name }', t: '${ $workflow.startedAt.epoch.seconds }'}}}]", {}, {"n": "tried", "i": "wex-test", "r": "Stigmer", "t": 1800000000}),
    ("a secret is a reference", "use: {secrets: [KEY]}\ndo: [{a: {set: {k: '${ \"Bearer \" + $secrets.KEY }'}}}]", {}, {"k": "Bearer \u2060{stigmer-secret:KEY}"}),
    ("a marker from outside is none", "do: [{a: {set: {k: '${ . }'}}}]", "\u2060{stigmer-secret:KEY}", {"k": "{stigmer-secret:KEY}"}),
    ("two lists one after the other", "do: [{a: {do: [{b: {set: {x: 1}}}]}}, {c: {do: [{d: {set: {y: '${ .x }'}}}]}}]", {}, {"y": 1}),
    ("lengths of time", "do: [{a: {wait: PT0.001S}}, {b: {wait: {milliseconds: 1}}}, {c: {wait: '${ .w }'}}]", {"w": "1ms"}, {"w": "1ms"}),
    ("chance", "do: [{a: {set: {ok: '${ (uuid | length) == 36 and random < 1 and now > 1e9 }'}}}]", {}, {"ok": True}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
async def test_what_a_document_gives(text: str, given: Json, wanted: Json) -> None:
    assert await run(text, given) == wanted


FAILURES: list[tuple[str, str, Json, str]] = [
    ("input schema", "input: {schema: {document: {type: object, required: [n]}}}\ndo: [{a: {set: {x: 1}}}]", {}, "'n' is a required property"),
    ("task's input schema", "do: [{a: {input: {schema: {document: {type: number}}}, set: {x: 1}}}]", "t", "the input: 't' is not of type 'number'"),
    ("output schema", "output: {schema: {document: {type: object, properties: {x: {type: string}}}}}\ndo: [{a: {set: {x: 1}}}]", {}, "the output: x: 1 is not of type 'string'"),
    ("a schema that hangs", "do: [{a: {input: {schema: {document: {pattern: '^(a+)+$'}}}, set: {x: 1}}}]", "a" * 60 + "b", "takes too long"),
    ("an expression that hangs", "do: [{a: {set: {x: '${ def f: f; f }'}}}]", {}, "takes too long"),
    ("the environment", "do: [{a: {set: {x: '${ $ENV }'}}}]", {}, "$ENV cannot be used"),
    ("several values", "do: [{a: {set: {x: '${ .[] }'}}}]", [1, 2], "several values"),
    ("set gives no mapping", "do: [{a: {set: '${ 1 }'}}]", {}, "wants names with values"),
    ("for over a number", "do: [{a: {for: {in: .n}, do: [{b: {set: {x: 1}}}]}}]", {"n": 3}, "`for.in` wants a list"),
    ("a function that calls itself", "use: {functions: {f: {call: f}}}\ndo: [{a: {call: f}}]", {}, "more than 100 deep"),
    ("an error that is not meant", "do: [{t: {try: [{a: {raise: {error: {type: x, status: 400, title: Mine}}}}], catch: {errors: {with: {status: 500}}}}}]", {}, "Mine"),
    ("an error in catch", "do: [{t: {try: [{a: {raise: {error: {type: x, status: 400}}}}], catch: {do: [{b: {raise: {error: {type: y, status: 401, title: Again}}}}]}}}]", {}, "Again"),
    ("a fork's branch", "do: [{f: {fork: {branches: [{a: {wait: PT10M}}, {b: {raise: {error: {type: x, status: 400, title: Branch}}}}]}}}]", {}, "Branch"),
    ("time of a task", "do: [{a: {wait: PT10M, timeout: {after: {milliseconds: 10}}}}]", {}, "longer than 0.01 s"),
    ("named time of a task", "use: {timeouts: {short: {after: {milliseconds: 10}}}}\ndo: [{a: {wait: PT10M, timeout: short}}]", {}, "longer than 0.01 s"),
    ("time of the workflow", "timeout: {after: {milliseconds: 10}}\ndo: [{a: {wait: PT10M}}]", {}, "the workflow took longer than 0.01 s"),
    ("a variable that is not there", "do: [{a: {set: {x: '${ $nothing }'}}}]", {}, "no variable `$nothing`"),
    ("strict mode", "evaluate: {mode: strict}\ndo: [{a: {if: .x, set: {x: 1}}}]", {}, "does not stand in"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "given", "words"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES]
)
async def test_what_fails(text: str, given: Json, words: str) -> None:
    assert words in await failure(text, given)


async def test_the_error_of_a_run_is_whole_and_the_tasks_around_tell_it() -> None:
    play = Play("do: [{a: {do: [{b: {raise: {error: {type: 'https://e.com/x', status: 402, title: Pay}}}}]}}]")
    assert await play.failure() == "Pay"
    finished = play.told("workflow_task_finished")
    assert [each["taskId"] for each in finished] == ["/do/0/a/do/0/b#1", "/do/0/a#1"]
    detail = finished[0]["errorDetail"]
    assert isinstance(detail, dict)
    assert detail["instance"] == "/do/0/a/do/0/b"
    assert detail["status"] == 402


async def test_several_workflows_of_one_file() -> None:
    text = """document: {dsl: 1.0.0, taskQueue: tests, workflowType: both, version: 1.0.0}
do:
  - first: {do: [{a: {set: {is: first, in: "${ $input.n }"}}}]}
  - second: {do: [{x: {set: {n: 5}}}, {a: {set: {is: second, in: "${ $input.n }"}}}]}
"""
    assert await Play(text, {"n": 1}).output() == {"is": "first", "in": 1}
    assert await Play(text, {"n": 1}, workflow_type="second").output() == {"is": "second", "in": 1}
    assert "it has first, second" in await Play(text, {}, workflow_type="third").failure()


async def test_what_a_task_of_the_top_tells() -> None:
    play = Play("do: [{a: {if: false, set: {x: 1}}}, {'b/c': {set: {x: 1}, then: end}}]", {"n": 1})
    await play.output()
    started = play.told("workflow_task_started")
    assert [each["taskId"] for each in started] == ["/do/0/a#1", "/do/1/b~1c#1"]
    finished = play.told("workflow_task_finished")
    assert finished[0]["skippedBecause"] == "`false` does not hold"
    assert finished[1]["then"] == "end"
    assert [event.WhichOneof("body") for event in play.events][-1] == "workflow_output"


async def test_a_large_value_is_cut_in_events_alone() -> None:
    play = Play("do: [{a: {set: {x: '${ \"y\" * 100000 }'}}}]")
    assert await play.output() == {"x": "y" * 100000}
    assert play.told("workflow_task_finished")[0]["output"] == {"$cut": 100009.0}


async def test_a_hundred_levels() -> None:
    inner = "{set: {x: 1}}"
    for level in range(99):
        inner = f"{{do: [{{t{level}: {inner}}}]}}"
    assert await run(f"{HEAD}do: [{{top: {inner}}}]") == {"x": 1}


async def test_deep_data_stands_in_events_as_far_as_messages_go() -> None:
    play = Play("do: [{a: {set: {x: '${ reduce range(200) as $i (0; [.]) }'}}}]")
    deep = await play.output()
    assert isinstance(deep, dict)
    (told,) = [event for event in play.events if event.WhichOneof("body") == "workflow_output"]
    again = Event.FromString(told.SerializeToString())
    assert "[[[" in str(again.workflow_output.output)
