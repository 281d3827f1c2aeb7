"""Expressions inside a workflow: with the variables that are there, and the same in a replay."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from stigmer_apis.documents.nodes import Node
from stigmer_apis.expressions.client import Chance
from stigmer_apis.expressions.errors import ExpressionError, ExpressionLimit
from stigmer_apis.expressions.plain import Beyond, Plain, plain
from stigmer_apis.expressions.program import chance_of
from stigmer_apis.expressions.shared import shared
from stigmer_apis.workflow.document_json import Json, to_data
from stigmer_apis.workflow.expressions import inside, scan
from stigmer_runner.durable.workflow_messages import secret_marker
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.failing import TaskFailed, failed

Lazy = Callable[[], Json]

_PATH = re.compile(
    r"\.|(?:\$(?!data\b)[A-Za-z_][A-Za-z0-9_]*)?(?:\.[A-Za-z_][A-Za-z0-9_]*)+|\$(?!data\b)[A-Za-z_][A-Za-z0-9_]*"
)
"""A plain path. No evaluation of one is counted, see `_known_to_be_limited`."""
_TOO_MUCH = "the expression takes too long, or too much memory"


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables of a place in a document, without those that are there everywhere."""

    variables: Mapping[str, Json] = field(default_factory=dict[str, Json])
    instance: str = ""
    """JSON pointer of the task: goes into errors."""
    task: Lazy | None = None
    """Makes `$task`, when it is asked for."""

    def plus(self, **variables: Json) -> "Scope":
        """With more of them."""
        return Scope({**self.variables, **variables}, self.instance, self.task)


class Evaluator:
    """Evaluates for one run. `everywhere` makes the variables that are there everywhere, when they are asked for."""

    def __init__(self, everywhere: Mapping[str, Lazy], *, strict: bool) -> None:
        self._everywhere = everywhere
        self._strict = strict
        self.is_patient = False
        """Whether what is evaluated now came to its end before, in an earlier run."""
        self._count = 0
        self._templates: dict[int, tuple[Node, Json]] = {}

    def value(self, node: Node | None, data: Json, scope: Scope, chance: Chance | None = None) -> Json:
        """A part of a document with all expressions in it evaluated. Raises `TaskFailed`."""
        return self.data(self.template(node), data, scope, chance) if node is not None else None

    def template(self, node: Node) -> Json:
        """A part of the document as plain data, made once."""
        found = self._templates.get(id(node))
        if found is None:
            found = self._templates[id(node)] = (node, to_data(node))
        return found[1]

    def data(self, template: Json, data: Json, scope: Scope, chance: Chance | None = None) -> Json:
        """The same for plain data."""
        match template:
            case str():
                expression = inside(template)
                return template if expression is None else self.expression(expression, data, scope, chance)
            case dict():
                return {key: self.data(each, data, scope, chance) for key, each in template.items()}
            case list():
                return [self.data(each, data, scope, chance) for each in template]
            case _:
                return template

    def bare(self, text: str, data: Json, scope: Scope, chance: Chance | None = None) -> Json:
        """The value of a text that is an expression with or without `${ }`."""
        expression = inside(text)
        if expression is None and self._strict and text not in ("true", "false"):
            raise failed(
                "expression",
                f"`{text[:60]}` does not stand in `${{ }}`, as `evaluate.mode: strict` wants it",
                scope.instance,
            )
        return self.expression(expression if expression is not None else text, data, scope, chance)

    def shaped(self, node: Node, data: Json, scope: Scope) -> Json:
        """What stands behind `from` and `as`: an expression, with or without `${ }`, or a mapping with expressions in it."""
        template = self.template(node)
        return self.bare(template, data, scope) if isinstance(template, str) else self.data(template, data, scope)

    def holds(self, text: str, data: Json, scope: Scope) -> bool:
        """Whether a condition holds: null and false do not."""
        return self.bare(text, data, scope) not in (None, False)

    def expression(self, expression: str, data: Json, scope: Scope, chance: Chance | None = None) -> Json:
        """The value of an expression. Raises `TaskFailed`."""
        compute, counts = _computing(expression)
        if compute is not None:
            try:
                found = compute(data, lambda name: self._variable(name, data, scope))
            except Beyond:
                pass
            else:
                self._count += counts
                return found
        used, secrets, by_chance = _used(expression)
        variables: dict[str, Json] = {}
        for name in used:
            if name in scope.variables:
                variables[name] = scope.variables[name]
            elif name == "task" and scope.task is not None:
                variables[name] = scope.task()
            elif name == "data":
                variables[name] = data
            elif name == "secrets":
                variables[name] = {each: secret_marker(each) for each in secrets}
            elif name in self._everywhere:
                variables[name] = self._everywhere[name]()
        if chance is None and by_chance:
            chance = self.chance()
        replaying = self._known_to_be_limited(scope)
        try:
            return shared().evaluate(expression, data, variables, chance, patient=replaying or self.is_patient)
        except ExpressionLimit as error:
            raise self._limit(scope, replaying) from error
        except ExpressionError as error:
            raise failed("expression", f"`{expression[:200]}`: {error}", scope.instance) from error

    def _variable(self, name: str, data: Json, scope: Scope) -> Json:
        """The value of a variable. Raises `Beyond` where there is none, or one that is more than a value."""
        if name in scope.variables:
            return scope.variables[name]
        if name in ("input", "context"):
            return self._everywhere[name]()
        if name == "data":
            return data
        raise Beyond

    def check(self, schema: Json, data: Json, scope: Scope, what: str) -> None:
        """Hold data to a schema. Raises `TaskFailed`."""
        replaying = self._known_to_be_limited(scope)
        try:
            wrong = shared().check(json.dumps(schema), data, patient=replaying)
        except ExpressionLimit as error:
            raise self._limit(scope, replaying) from error
        except ExpressionError as error:
            raise failed("configuration", f"the schema of the {what}: {error}", scope.instance) from error
        if wrong:
            said = "; ".join(f"{f'{path}: ' if path else ''}{words}" for path, words in wrong)
            raise failed("validation", f"the {what}: {said}", scope.instance)

    def chance(self) -> Chance:
        """What differs from one evaluation to the next: the workflow's own, so that a replay sees the same."""
        return Chance(workflow.time(), str(workflow.uuid4()), workflow.random().random())

    def _known_to_be_limited(self, scope: Scope) -> bool:
        """Count an evaluation. In a replay: whether it may take its time; raises `TaskFailed` where it hit a limit before."""
        self._count += 1
        if not workflow.unsafe.is_replaying():
            return False
        if workflow.patched(f"expression-limit-{self._count}"):
            raise failed("expression", _TOO_MUCH, scope.instance)
        return True

    def _limit(self, scope: Scope, replaying: bool) -> TaskFailed:
        """Write down that this evaluation hit a limit. The error is the same in a replay."""
        if not replaying:
            workflow.patched(f"expression-limit-{self._count}")
        return failed("expression", _TOO_MUCH, scope.instance)


@lru_cache(maxsize=4096)
def _computing(expression: str) -> tuple[Plain | None, bool]:
    """What computes an expression without jq, where something does, and whether that is counted as an evaluation: journals hold the numbers."""
    counts = not _PATH.fullmatch(expression)
    return (None if counts and chance_of(expression) else plain(expression)), counts


@lru_cache(maxsize=4096)
def _used(expression: str) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """The variables of an expression, its secrets, and whether it is one of chance."""
    found = scan(expression)
    return tuple(sorted(found.used)), tuple(sorted(found.secrets)), bool(chance_of(expression))
