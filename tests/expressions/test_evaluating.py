"""Expressions in their process: values, limits, and everything that they must not have."""

import os
import time
from collections.abc import Iterator

import pytest

from stigmer_apis.expressions.client import Chance, Expressions
from stigmer_apis.expressions.errors import ExpressionError, ExpressionFailed, ExpressionLimit, ExpressionRefused
from stigmer_apis.workflow.document_json import Json


@pytest.fixture(scope="module")
def expressions() -> Iterator[Expressions]:
    """One process for all tests of this module."""
    found = Expressions(seconds=0.3)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (".a + $input.b", 3),
        (". as {a: $x} | $x", 1),
        (".a # a comment", 1),
        ("def double: . * 2; .a | double", 2),
        ('"\\(.a) and \\($input.b)"', "1 and 2"),
        ("empty", None),
        (".nothing", None),
        ("{input: .a, env: 2}", {"input": 1, "env": 2}),
        ("100000000000000000000", 100000000000000000000),
        ('"\\u2060{stigmer-secret:X}"', "\u2060{stigmer-secret:X}"),
        ('now | strftime("%H:%M")', "00:00"),
        ("[uuid, random]", ["u", 0.25]),
        ('"é\\ud83d\\ude00"', "é😀"),
    ],
)
def test_a_value(expressions: Expressions, expression: str, value: Json) -> None:
    assert expressions.evaluate(expression, {"a": 1}, {"input": {"b": 2}}, Chance(0.0, "u", 0.25)) == value


@pytest.mark.parametrize(
    ("expression", "wrong", "remedy"),
    [
        ("$ENV", "$ENV cannot be used", "environment"),
        ("env.HOME", "`env` cannot be used", "environment"),
        ('@text "\\(env)"', "`env` cannot be used", "environment"),
        ("input", "`input` cannot be used", "$input"),
        ("[inputs]", "`inputs` cannot be used", "$input"),
        ("debug", "`debug` cannot be used", "export"),
        ("input_filename", "cannot be used", "no file"),
        ("$__prog_args", "cannot be used", "$input"),
        ("halt_error", "cannot be used", "error("),
        ('"a" | modulemeta', "cannot be used", "no modules"),
        ('import "a" as a; .', "unexpected import in column 1", "jqlang"),
        (".) | (.", "closes nothing", "take it out"),
        ("$inptu", "no variable `$inptu`", "`$input`"),
        (".a | lenght", "no function `lenght`, in column 6", "`length`"),
        (".a |", "nothing follows", "complete"),
        (". as [$x,] | 1\n+ 2", "in its line 1, column 10", "jqlang"),
    ],
)
def test_what_is_refused(expressions: Expressions, expression: str, wrong: str, remedy: str) -> None:
    with pytest.raises(ExpressionRefused) as raised:
        expressions.evaluate(expression, None, {"input": 1})
    assert wrong in str(raised.value)
    assert remedy in raised.value.remedy


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ('error("no order")', "no order"),
        (".a.b.c", "Cannot index"),
        ("1, 2", "several values"),
        ("reduce range(300) as $i (0; [.])", "nested more than 256"),
    ],
)
def test_what_fails(expressions: Expressions, expression: str, words: str) -> None:
    with pytest.raises(ExpressionFailed, match=words):
        expressions.evaluate(expression, {"a": 1}, {})


@pytest.mark.parametrize(
    "expression",
    ["def f: f; f", "[range(1e9)]", "reduce range(1e9) as $i (0; [.])", '[limit(1e9; repeat("x"))]', '"x" * 1e9'],
)
def test_what_never_ends_or_grows_is_ended(expressions: Expressions, expression: str) -> None:
    started = time.monotonic()
    with pytest.raises(ExpressionLimit):
        expressions.evaluate(expression, None, {})
    assert time.monotonic() - started < 60
    assert expressions.evaluate("1 + 1", None, {}) == 2, "the next one has a process of its own"


def test_a_million_characters_come_back(expressions: Expressions) -> None:
    text = "x" * 1_000_000
    assert expressions.evaluate(". + $input", text, {"input": "y"}) == text + "y"


def test_the_process_has_no_environment(expressions: Expressions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIGMER_TEST_MARK", "seen")
    own = Expressions()
    assert own.evaluate("1", None, {}) == 1
    with open(f"/proc/{own.pid}/environ", "rb") as file:
        assert b"STIGMER_TEST_MARK" not in file.read()
    own.close()


def test_a_process_that_was_killed_is_started_again() -> None:
    own = Expressions()
    assert own.evaluate("1", None, {}) == 1
    os.kill(own.pid, 9)
    assert own.evaluate("2", None, {}) == 2
    own.close()
    assert own.evaluate("3", None, {}) == 3
    own.close()


def test_data_by_a_schema(expressions: Expressions) -> None:
    schema = '{"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "number"}}}'
    assert expressions.check(schema, {"a": 1}) == []
    assert expressions.check(schema, {"a": "x"}) == [("a", "'x' is not of type 'number'")]
    with pytest.raises(ExpressionRefused, match="cannot be used"):
        expressions.check('{"$ref": "https://example.com/other"}', {})
    with pytest.raises(ExpressionRefused, match="cannot be used"):
        expressions.check('{"type": "nonsense"}', {})
    with pytest.raises(ExpressionError):
        expressions.check('{"pattern": "^(a+)+$"}', "a" * 60 + "b")
