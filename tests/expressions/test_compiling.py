"""Expressions are compiled before anything runs."""

from tests.workflow.documents import checked


def test_a_function_that_jq_does_not_know_is_told_with_its_place() -> None:
    text = """document: {dsl: 1.0.0, namespace: a, name: b, version: 1.0.0}
do:
  - one:
      set:
        count: ${ .orders | lenght }
"""
    (problem,) = checked(text).errors
    assert (problem.line, problem.column) == (5, 16)
    assert problem.what == "in the expression, there is no function `lenght`, in column 11"
    assert problem.remedy == "did you mean `length`?"


def test_the_variables_of_a_loop_are_there_for_the_compiler() -> None:
    text = """document: {dsl: 1.0.0, namespace: a, name: b, version: 1.0.0}
do:
  - one:
      for: {each: order, at: number, in: .orders}
      do:
        - two:
            set: {sum: "${ $order.price + $number + ($input | length) + now }"}
"""
    assert checked(text).errors == ()


def test_strict_mode_wants_brackets() -> None:
    text = """document: {dsl: 1.0.0, namespace: a, name: b, version: 1.0.0}
evaluate: {language: jq, mode: strict}
do:
  - one:
      if: .go
      set: {a: 1}
"""
    (problem,) = checked(text).errors
    assert (problem.line, problem.column) == (5, 11)
    assert "stands in `${ }`" in problem.what
