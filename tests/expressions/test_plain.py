"""Expressions that are computed without jq: each beside jq itself."""

import json
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stigmer_apis.expressions.client import Expressions
from stigmer_apis.expressions.errors import ExpressionError
from stigmer_apis.expressions.plain import MOST_PARTS, Beyond, plain
from stigmer_apis.workflow.document_json import Json
from tests.support.scale import scaled

NAMES = ("a", "b", "and", "length")


@pytest.fixture(scope="module")
def expressions() -> Iterator[Expressions]:
    """One process for all tests of this module."""
    found = Expressions()
    yield found
    found.close()


def computed(expression: str, data: Json, variables: Mapping[str, Json]) -> tuple[bool, Json]:
    """Whether an expression is computed without jq, and what it gives."""
    found = plain(expression)
    if found is None:
        return False, None

    def look(name: str) -> Json:
        if name not in variables:
            raise Beyond
        return variables[name]

    try:
        return True, found(data, look)
    except Beyond:
        return False, None


def texts(inner: "st.SearchStrategy[str]") -> "st.SearchStrategy[str]":
    """Texts in quotes, with values in them."""
    verbatim = st.text("ab é☃ .{}$", max_size=4)
    part = st.one_of(verbatim, inner.map(lambda each: f"\\({each})"))
    return st.lists(part, max_size=3).map(lambda parts: f'"{"".join(parts)}"')


def _wider(inner: "st.SearchStrategy[str]") -> "st.SearchStrategy[str]":
    signs = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", " and ", " or ", "//", " // ", "|", " | "]
    binary = st.tuples(inner, st.sampled_from(signs), inner).map("".join)
    return st.one_of(
        binary,
        binary.map(lambda each: f"({each})"),
        texts(inner),
        st.tuples(inner, inner).map(lambda both: f"{both[0]}[{both[1]}]"),
        st.tuples(inner, st.sampled_from(NAMES)).map(lambda both: f"{both[0]}.{both[1]}"),
    )


LEAVES = st.one_of(
    st.sampled_from([".", ".a", ".b", ".a.b", "$x", "$y", "$x.a", "$index", "length", "not", "true", "false", "null"]),
    st.sampled_from(["0", "1", "2", "0.5", "1.0", "2.50", "007", "123456789012345", "0.1", "0.2", "0.3"]),
    texts(st.just(".a")),
)
EXPRESSIONS = st.recursive(LEAVES, _wider, max_leaves=6)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.sampled_from([2**53, -(2**53), 2**53 - 1, 10**30, 0.5, 0.1, 0.3, -0.0, 1e300, 5e-324]),
    st.text("ab0é☃\U0001f600", max_size=4),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=6,
)


@given(EXPRESSIONS, DATA, DATA)
@example("$index + 1", None, None)
@example(".a == .a == .b", {"a": 1}, 1)
@example(". .a", {"a": 1}, 1)
@example(".a - 1 - 1", {"a": 1}, 1)
@example("1 - 2 // 3 | . - 1 * 2", None, 1)
@example("null // false // 1", None, 1)
@example("0 * (0 - 1)", None, 1)
@example('"\\(1.0) \\(007) \\(0.5 + 0.5)"', None, 1)
@settings(max_examples=scaled(400, 5_000), deadline=None)
def test_what_is_computed_is_what_jq_gives(expressions: Expressions, expression: str, data: Json, bound: Json) -> None:
    variables: Mapping[str, Json] = {"x": bound, "y": data, "index": 3}
    is_computed, value = computed(expression, data, variables)
    if not is_computed:
        return
    try:
        said = expressions.evaluate(expression, data, variables)
    except ExpressionError as error:
        raise AssertionError(f"jq does not take `{expression}` of {data!r}: {error}") from error
    assert _as_jq(value) == _as_jq(said), f"`{expression}` of {data!r}"


def _as_jq(value: Json) -> str:
    """A value as jq passes it on: what goes through untouched has numbers that a double does not hold, and texts that are none."""
    match value:
        case bool() | None:
            return json.dumps(value)
        case int() | float():
            return repr(float(value) + 0.0)
        case str():
            return json.dumps(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        case list():
            return f"[{','.join(map(_as_jq, value))}]"
        case dict():
            return f"{{{','.join(f'{key}:{_as_jq(each)}' for key, each in sorted(value.items()))}}}"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$index + 1", 4),
        (".order.lines[0].price", 5),
        (".order.lines | length", 2),
        ('.name == "Ada" and $index > 2', True),
        ('"Hello \\(.name), \\(.order.lines[1].price)"', "Hello Ada, 7"),
        ('.nothing // "none"', "none"),
        ("(.order.lines[0].price + .order.lines[1].price) / 2", 6),
        ("7 / 2", 3.5),
        (".missing.all.the.way", None),
    ],
)
def test_what_most_expressions_are_needs_no_jq(expression: str, value: Json) -> None:
    data: Json = {"name": "Ada", "order": {"lines": [{"price": 5}, {"price": 7}]}}
    assert computed(expression, data, {"index": 3}) == (True, value)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        ".a |",
        "1 == 1 == 1",
        "..",
        '."a"',
        ".a[]",
        ".a?",
        "-1",
        "1e3",
        "1.",
        "1.0",
        "12a",
        "now",
        "uuid",
        "$a::b",
        '"\\n"',
        "{a: 1}",
        "# a comment",
        "1234567890123456",
        "1\r",
        '"\ud800"',
        "$x as $y | $y",
        "+".join("1" * (MOST_PARTS + 1)),
        ".a" * (MOST_PARTS + 1),
        "[" * 5000,
    ],
)
def test_what_is_left_to_jq(expression: str) -> None:
    assert computed(expression, {"a": {"b": 1}}, {"x": 1}) == (False, None)


@pytest.mark.parametrize(
    ("expression", "data"),
    [
        (".a.b", {"a": 1}),
        (".a + 1", {"a": 2**53}),
        (".a == .a", {"a": [1]}),
        (".a < 1", {"a": None}),
        ("1 / .a", {"a": 0}),
        (".[.a]", {"a": 1.0}),
        ('"\\(.a)"', {"a": 0.1}),
        ('.a == "x"', {"a": "\ud800"}),
        ("$unknown", {}),
    ],
)
def test_data_of_which_there_is_doubt_goes_to_jq(expression: str, data: Json) -> None:
    assert plain(expression) is not None
    assert computed(expression, data, {}) == (False, None)
