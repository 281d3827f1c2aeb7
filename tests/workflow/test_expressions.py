"""What can be told about an expression without evaluating it is told, and no valid one is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis.workflow import limits
from stigmer_apis.workflow.expressions import scan
from tests.support.scale import scaled


@pytest.mark.parametrize(
    ("expression", "used"),
    [
        (".", set[str]()),
        (". as $x | $x + $input", {"input"}),
        (". as [$a, {b: $c}] | $a + $c", set[str]()),
        ("reduce .[] as $i (0; . + $i)", set[str]()),
        ("foreach .[] as [$i] (0; . + $i; [$i, .])", set[str]()),
        ("def f($a; g): $a + g; f(1; 2)", set[str]()),
        ("label $out | .[] | if . > 1 then break $out else . end", set[str]()),
        ('"a \\(.b | "c \\($context.d)") $none"', {"context"}),
        ("{input, env: 1, $context, (.k): 2}", {"context"}),
        (".env + .input", set[str]()),
        ("# $comment\n.a", set[str]()),
        ("$data.items[0]?.name // \"}\" | @base64", {"data"}),
        ("[.[] | select(.a and (.b | not))] | length", set[str]()),
    ],
)  # fmt: skip
def test_a_valid_expression_says_which_variables_it_needs(expression: str, used: set[str]) -> None:
    found = scan(expression)
    assert (found.wrong, found.used) == ("", used)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "the expression is empty"),
        ("(.a", "`(` is not closed"),
        (".a)", "`)` closes nothing"),
        ("[.a}", "`}` closes nothing"),
        ('"abc', 'a `"` is not closed'),
        ('"abc \\(.a', "is not closed"),
        (".a |", "nothing follows on `|`"),
        (".a == 'b'", "texts stand in double quotes"),
        ("$ENV.HOME", "$ENV cannot be used"),
        ("env.HOME", "`env` cannot be used"),
        ("[inputs]", "`inputs` cannot be used"),
        ("$ + 1", "`$` has no name"),
        ("1" * (limits.EXPRESSION + 1), "is too long"),
    ],
)
def test_a_mistake_is_told_in_words(expression: str, said: str) -> None:
    found = scan(expression)
    assert said in f"{found.wrong}: {found.remedy}"


@settings(max_examples=scaled(200, 20_000), deadline=None)
@given(st.text(st.sampled_from('.$ab{}[]()"\\|:;, \n#as def input1'), max_size=60))
def test_whatever_is_written_there_is_an_answer(expression: str) -> None:
    found = scan(expression)
    assert bool(found.wrong) == bool(found.remedy)


def test_secrets_are_found_by_either_spelling() -> None:
    assert scan('$secrets.A + $secrets["b-c"]').secrets == {"A", "b-c"}
