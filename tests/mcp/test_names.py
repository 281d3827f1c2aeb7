"""What tools are called, and what is filled in."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_runner.mcp.naming import LONGEST, model_name, policy_name
from stigmer_runner.mcp.placeholders import ValueMissing, filled, filled_in_arguments, names_in

TEXT = st.text(min_size=1, max_size=80)


@given(TEXT, TEXT, TEXT, TEXT)
def test_names_are_taken_by_providers_and_never_meet(server: str, tool: str, other: str, another: str) -> None:
    name = model_name(server, tool)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name)
    assert len(name) <= LONGEST
    if (server, tool) != (other, another) and policy_name(server, tool) != policy_name(other, another):
        assert name != model_name(other, another)


def test_names_that_could_be_mixed_up() -> None:
    assert model_name("a", "b") == "mcp__a__b"
    assert model_name("a__b", "c") != model_name("a", "b__c")
    assert model_name("a b", "c") != model_name("a_b", "c")
    assert model_name("a", "x" * 100) != model_name("a", "x" * 101)


def test_filling_in() -> None:
    values = {"A": "one", "B": "${A} {{A}}"}
    assert filled("${A}-{{ A }}-{{B}}", values, "it") == "one-one-${A} {{A}}"
    assert filled("$A {A} ${a-b} plain", values, "it") == "$A {A} ${a-b} plain"
    assert names_in("${B}{{A}}${B}") == ("B", "A")
    with pytest.raises(ValueMissing, match="it wants the value C, which this run does not have"):
        filled("x${C}", values, "it")
    with pytest.raises(ValueMissing, match="wants the secret A in an argument"):
        filled_in_arguments("${A}", values, frozenset({"A"}), "it")
