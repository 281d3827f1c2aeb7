"""Every mistake is told with its line and column and how to mend it, and what is right is left alone."""

import pytest

from tests.workflow.documents import HEAD, checked, errors, warnings

WRONG = {
    "an unknown kind": (
        "do:\n  - a:\n      cal: http\n",
        "f.yaml:7:5: the task `a` does nothing (do[0].a): did you mean `call`?",
    ),
    "two kinds in one": ("do: [{a: {wait: PT1S, set: {x: 1}}}]", "`set` and `wait` exclude each other"),
    "an unknown field": (
        "do:\n  - a: { call: http, with: { method: GET, endpoint: https://e.com, hedders: {} } }",
        "f.yaml:7:68: unknown field `hedders` (do[0].a.with.hedders): did you mean `headers`?",
    ),
    "no arguments": ("do: [{a: {call: http}}]", "this is required (do[0].a.with)"),
    "an unknown method": ("do: [{a: {call: http, with: {method: GETT, endpoint: https://e.com}}}]", "`GETT` is no method of HTTP"),
    "a name twice": (
        "do:\n  - a: { wait: PT1S }\n  - a: { wait: PT1S }\n",
        "f.yaml:8:5: the name `a` is there twice, first in line 7",
    ),
    "a name with a meaning": ("do: [{end: {wait: PT1S}}]", "a task cannot be called `end`"),
    "a way to nowhere": (
        "do:\n  - first: { wait: PT1S, then: lsat }\n  - last: { wait: PT1S }\n",
        "f.yaml:7:32: there is no task `lsat` in this list (do[0].first.then): did you mean `last`?",
    ),
    "a way out of a list": ("do: [{a: {do: [{b: {wait: PT1S, then: c}}]}}, {c: {wait: PT1S}}]", "there is no task `c` in this list"),
    "a case to nowhere": ("do: [{a: {switch: [{x: {then: b}}]}}]", "there is no task `b` in this list (do[0].a.switch.x.then)"),
    "a branch to another": (
        "do: [{a: {fork: {branches: [{x: {wait: PT1S, then: y}}, {y: {wait: PT1S}}]}}}]",
        "a branch cannot go to another one",
    ),
    "one branch": ("do: [{a: {fork: {branches: [{x: {wait: PT1S}}]}}}]", "at least 2 branches are needed here"),
    "an unknown error": ("do: [{a: {raise: {error: gone}}}]", "there is no error `gone`"),
    "an unknown retry": ("do: [{a: {try: [{b: {wait: PT1S}}], catch: {retry: often}}}]", "define it below `use.retries`"),
    "an unknown timeout": ("do: [{a: {wait: PT1S, timeout: long}}]", "there is no timeout `long`"),
    "an unknown function": ("use: {functions: {greet: {set: {x: 1}}}}\ndo: [{a: {call: gret}}]", "did you mean `greet`?"),
    "an unknown authentication": (
        "do: [{a: {call: http, with: {method: GET, endpoint: {uri: https://e.com, authentication: {use: me}}}}}]",
        "there is no authentication `me`",
    ),
    "functions in a circle": (
        "use:\n  functions:\n    a: { call: b }\n    b: { call: a }\ndo: [{x: {call: a}}]",
        "f.yaml:8:5: the function `a` calls itself, and never ends, by way of `b`",
    ),
    "timeouts in a circle": ("use: {timeouts: {a: b, b: a}}\ndo: [{x: {wait: PT1S}}]", "the timeout `a` refers to itself"),
    "a secret that is not declared": ("do: [{a: {set: {x: '${ $secrets.TOKEN }'}}}]", "add `- TOKEN` below `use.secrets`"),
    "a schema that refers outside": (
        "input: {schema: {document: {properties: {a: {$ref: 'https://e.com/a.json'}}}}}\ndo: [{a: {wait: PT1S}}]",
        "the schema refers to something outside of it",
    ),
    "a variable that is not there": ("do: [{a: {set: {x: '${ $inptu.x }'}}}]", "there is no variable `$inptu` here (do[0].a.set.x): did you mean `$input`?"),
    "a loop's variable outside of it": (
        "do: [{a: {for: {each: o, in: .o}, do: [{b: {set: {x: '${ $o }'}}}]}}, {c: {set: {x: '${ $o }'}}}]",
        "there is no variable `$o` here (do[1].c.set.x)",
    ),
    "an error outside of its catch": ("do: [{a: {set: {x: '${ $error }'}}}]", "there is no variable `$error` here"),
    "an expression without an end": ("do: [{a: {set: {x: '${ .a'}}}]", "the expression has no end"),
    "no task": ("do: []", "at least 1 task is needed here"),
    "a mapping for a list": ("do: {a: {wait: PT1S}}", "a list of tasks is wanted, and this is a mapping"),
    "two names in an item": ("do:\n  - a: { wait: PT1S }\n    b: { wait: PT1S }", "this is a mapping of 2 keys"),
    "no time": ("do: [{a: {wait: soon}}]", "a length of time is wanted"),
    "an unknown unit": ("do: [{a: {wait: {second: 1}}}]", "unknown field `second` (do[0].a.wait.second): did you mean `seconds`?"),
    "listening for one and all": (
        "do: [{a: {listen: {to: {one: {with: {type: x}}, all: [{with: {type: x}}]}}}}]",
        "exactly one of `one`, `any` and `all`",
    ),
    "a signal without a name": ("do: [{a: {listen: {to: {one: {with: {type: signal}}}}}}]", "a signal needs the name that it is sent under"),
    "a schedule of nothing": ("schedule: {}\ndo: [{a: {wait: PT1S}}]", "this never starts anything"),
    "a cron with seconds": (
        "schedule: {cron: 0 0 3 * * *}\ndo: [{a: {wait: PT1S}}]",
        "has five fields, this has 6",
    ),
    "too often": ("schedule: {every: {milliseconds: 5}}\ndo: [{a: {wait: PT1S}}]", "is no time that a schedule can keep"),
    "no cron": ("schedule: {cron: daily}\ndo: [{a: {wait: PT1S}}]", "`daily` is no cron expression"),
    "two things to run": ("do: [{a: {run: {shell: {command: ls}, script: {language: js, code: x}}}}]", "script and shell exclude each other"),
    "a key twice": ("do: [{a: {wait: PT1S, wait: PT2S}}]", "the key `wait` is there twice"),
    "no YAML": ("do: [", "this is not YAML"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_told_at_its_place(name: str) -> None:
    body, expected = WRONG[name]
    said = errors(body)
    assert any(expected in line for line in said), said
    assert all(line.split(":")[1].isdecimal() and line.split(":")[2].isdecimal() for line in said)


def test_a_document_of_an_older_language_and_without_a_head() -> None:
    older = checked(HEAD.replace("dsl: 1.0.0", "dsl: 0.8.0") + "do: [{a: {wait: PT1S}}]\n")
    assert [str(problem) for problem in older.errors] == [
        "f.yaml:2:8: the version 0.8.0 is not read here (document.dsl): this is an older language with other rules: write the document anew for 1.0.0"
    ]
    assert "this is required (document)" in str(checked("do: [{a: {wait: PT1S}}]").errors[0])
    assert "there is no document in it" in str(checked("# nothing\n").errors[0])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("do: [{a: {wait: PT1S, then: end}}, {b: {wait: PT1S}}, {c: {wait: PT1S}}]", ["`b` is never reached"]),
        ("do: [{a: {raise: {error: {type: 'a:b', status: 500}}}}, {b: {wait: PT1S}}]", ["`b` is never reached"]),
        ("do: [{a: {if: .x, wait: PT1S, then: end}}, {b: {wait: PT1S}}]", []),
        ("do: [{a: {switch: [{x: {when: .x, then: c}}]}}, {b: {wait: PT1S, then: end}}, {c: {wait: PT1S}}]", []),
        ("do: [{a: {switch: [{x: {then: c}}]}}, {b: {wait: PT1S}}, {c: {wait: PT1S, then: b}}]", []),
        ("do: [{a: {switch: [{x: {then: b}}, {y: {when: .y, then: b}}]}}, {b: {wait: PT1S}}]", ["the case `y` is never tried"]),
        ("do: [{a: {set: {x: 'hello ${ .name }'}}}]", ["is not an expression"]),
        ("do: [{a: {run: {shell: {command: 'echo ${HOME}'}}}}]", []),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant_is_a_warning(body: str, expected: list[str]) -> None:
    said = warnings(body)
    assert len(said) == len(expected), said
    assert all(part in line for part, line in zip(expected, said, strict=True))


def test_variables_are_there_where_they_are_brought_in() -> None:
    assert not warnings(
        "use: {secrets: [TOKEN]}\n"
        "do:\n"
        "  - a:\n"
        "      for: { each: o, at: n, in: .os }\n"
        "      while: $n < 3\n"
        "      do:\n"
        "        - b:\n"
        "            try: [{ c: { set: { x: '${ $o.id + $n }', t: '${ $secrets.TOKEN }' } } }]\n"
        "            catch: { as: e, when: '$e.status == 503', do: [{ d: { set: { x: '${ [$e, $o, $task, $runtime] }' } } }] }\n"
        "  - l:\n"
        "      listen: { to: { any: [{ with: { type: com.example } }] } }\n"
        "      foreach: { item: ev, do: [{ m: { set: { x: '${ $ev.data }' } } }] }\n"
    )
