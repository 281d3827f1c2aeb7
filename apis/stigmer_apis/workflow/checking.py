"""What a document means, beyond its form: names that lead somewhere, tasks that are reached, variables that exist."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stigmer_apis.documents.nearest import nearest, suggestion
from stigmer_apis.documents.nodes import ListNode, MapNode, Node, Place, Scalar, ScalarType
from stigmer_apis.documents.problems import Problem
from stigmer_apis.documents.sources import Source
from stigmer_apis.expressions.shared import shared
from stigmer_apis.workflow.expressions import KNOWN, inside, scan
from stigmer_apis.workflow.fields import Notes
from stigmer_apis.workflow.flow import DIRECTIVES, reached, targets
from stigmer_apis.workflow.model import (
    For,
    FunctionCall,
    GrpcCall,
    HttpCall,
    Listen,
    OpenApiCall,
    Raise,
    Switch,
    Task,
    Try,
    Workflow,
)
from stigmer_apis.workflow.reading import Reading, in_order, read_sources
from stigmer_apis.workflow.values import Authentication, Text

_NESTED = frozenset({("do",), ("try",), ("fork", "branches"), ("catch", "do"), ("foreach", "do")})
"""Where the tasks inside a task stand: they are looked at by themselves."""
_SCHEMAS = frozenset({("input", "schema"), ("output", "schema"), ("export", "schema"), ("with", "schema")})
_BARE = frozenset(
    {
        ("if",),
        ("while",),
        ("for", "in"),
        ("catch", "when"),
        ("catch", "exceptWhen"),
        ("input", "from"),
        ("output", "as"),
        ("export", "as"),
    }
)
"""Where an expression may stand without `${ }`."""
_VERBATIM = frozenset({("run", "shell", "command"), ("run", "script", "code")})
"""Where `${NAME}` inside a text is the shell's."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One document with all that was found in it."""

    workflow: Workflow | None
    """None where it was not read to its end."""
    errors: tuple[Problem, ...]
    """What keeps it from running."""
    warnings: tuple[Problem, ...] = ()
    """What does not, but is probably not meant."""


def check_sources(sources: Sequence[Source]) -> list[Checked]:
    """Every document of `sources`."""
    return [check(reading) for reading in read_sources(sources)]


def check(reading: Reading, *, secrets_are_declared: bool = True) -> Checked:
    """What is wrong with one document. Where secrets are not declared in the document, any may be asked for.

    Expressions are compiled by the process of `stigmer_apis.expressions`, which is started with the first.
    """
    if reading.workflow is None:
        return Checked(None, reading.problems)
    checker = _Checker(reading.workflow, secrets_are_declared)
    checker.run()
    errors = in_order([*reading.problems, *checker.errors.problems])
    return Checked(reading.workflow, errors, in_order(checker.warnings.problems))


class _Checker:
    def __init__(self, workflow: Workflow, secrets_are_declared: bool) -> None:
        self._workflow = workflow
        self._uses = workflow.uses
        self._secrets = {secret.text for secret in workflow.uses.secrets} if secrets_are_declared else None
        self.errors = Notes(workflow.source)
        self.warnings = Notes(workflow.source)

    def run(self) -> None:
        uses = self._uses
        self._tasks(self._workflow.tasks, "do", frozenset(), several=self._workflow.are_several)
        for function in uses.functions:
            self._task(function, f"use.functions.{function.name.text}", frozenset())
        for key, shape in (("input", self._workflow.input), ("output", self._workflow.output)):
            if shape is not None:
                if shape.expression is not None:
                    self._texts(shape.expression, (key, "from" if key == "input" else "as"), key, frozenset())
                if shape.schema is not None and shape.schema.document is not None:
                    self._schema(shape.schema.document, f"{key}.schema.document")
        self._timeout(self._workflow.timeout, "timeout")
        for name, proof in uses.authentications:
            self._proof(proof, f"use.authentications.{name.text}")
        self._circles()

    def _tasks(self, tasks: tuple[Task, ...], path: str, scope: frozenset[str], *, several: bool = False) -> None:
        first: dict[str, Place] = {}
        for task in tasks:
            before = first.setdefault(task.name.text, task.place)
            if before is not task.place:
                self.errors.wrong(
                    task.place,
                    f"the name `{task.name.text[:60]}` is there twice, first in line {before.line}",
                    f"{path}.{task.name.text}",
                    "`then` goes by names: give one of them another",
                )
            if task.name.text in DIRECTIVES:
                self.errors.wrong(
                    task.place,
                    f"a task cannot be called `{task.name.text}`",
                    path,
                    "the word has a meaning behind `then:`",
                )
        for position, task in enumerate(tasks):
            here = f"{path}[{position}].{task.name.text}"
            for then, at in targets(task):
                if then.text not in first and then.text not in DIRECTIVES:
                    self.errors.wrong(
                        then.place,
                        f"there is no task `{then.text[:60]}` in this list",
                        f"{here}.{at}",
                        suggestion(then.text, [*first, *DIRECTIVES]),
                    )
            self._task(task, here, scope)
        if not several:
            live = reached(tasks)
            for position, task in enumerate(tasks):
                if position not in live and position - 1 in live | {-1}:
                    self.warnings.wrong(
                        task.place,
                        f"`{task.name.text[:60]}` is never reached",
                        f"{path}[{position}].{task.name.text}",
                        "lead to it by `then:`, or take it out",
                    )

    def _task(self, task: Task, path: str, scope: frozenset[str]) -> None:
        here = scope | _introduced(task)
        self._texts(task.node, (), path, here)
        self._timeout(task.timeout, f"{path}.timeout")
        self._references(task, path)
        for word, tasks in task.lists():
            if word == "branches":
                for position, branch in enumerate(tasks):
                    self._task(branch, f"{path}.fork.branches[{position}].{branch.name.text}", here)
                self._same_names(tasks, f"{path}.fork.branches")
            else:
                below = {"catch": "catch.do", "foreach": "foreach.do"}.get(word, word)
                self._tasks(tasks, f"{path}.{below}", here)

    def _same_names(self, branches: Iterable[Task], path: str) -> None:
        first: dict[str, Place] = {}
        for branch in branches:
            before = first.setdefault(branch.name.text, branch.place)
            if before is not branch.place:
                self.errors.wrong(
                    branch.place,
                    f"the branch `{branch.name.text[:60]}` is there twice, first in line {before.line}",
                    path,
                    "give one of them another name",
                )
            for then, at in targets(branch):
                if then.text not in DIRECTIVES:
                    self.errors.wrong(
                        then.place,
                        "a branch cannot go to another one",
                        f"{path}.{branch.name.text}.{at}",
                        "take `then:` out",
                    )

    def _references(self, task: Task, path: str) -> None:
        uses = self._uses
        match task.work:
            case HttpCall(authentication=proof) | GrpcCall(authentication=proof) | OpenApiCall(authentication=proof):
                self._proof(proof, f"{path}.with")
            case FunctionCall(function=function) if "@" not in function.text and "://" not in function.text:
                names = [*(each.name.text for each in uses.functions), "http", "grpc", "openapi", "agent", "activity"]
                self._named(function, names, "function", "use.functions", f"{path}.call")
            case Raise(error=Text() as error) if not error.is_expression:
                self._named(error, (name.text for name, _ in uses.errors), "error", "use.errors", f"{path}.raise.error")
            case Try(catch=catch) if catch is not None and isinstance(catch.retry, Text):
                names = (name.text for name, _ in uses.retries)
                self._named(catch.retry, names, "retry policy", "use.retries", f"{path}.catch.retry")
            case Switch():
                self._switch(task.work, path)
            case _:
                pass

    def _switch(self, work: Switch, path: str) -> None:
        seen: set[str] = set()
        default = ""
        for case in work.cases:
            if case.name.text in seen:
                self.errors.wrong(
                    case.name.place,
                    f"the case `{case.name.text[:60]}` is there twice",
                    f"{path}.switch",
                    "give one another name",
                )
            seen.add(case.name.text)
            if default:
                self.warnings.wrong(
                    case.name.place,
                    f"the case `{case.name.text[:60]}` is never tried: `{default}` before it always holds",
                    f"{path}.switch",
                    "put the case without `when` last",
                )
            default = default or (case.name.text if case.when is None else "")

    def _proof(self, proof: Text | Authentication | None, path: str) -> None:
        match proof:
            case Text() if not proof.is_expression:
                names = (name.text for name, _ in self._uses.authentications)
                self._named(proof, names, "authentication", "use.authentications", f"{path}.authentication")
            case Authentication(secret=Text() as secret) if self._secrets is not None:
                self._named(secret, self._secrets, "secret", "use.secrets", f"{path}.use")
            case _:
                pass

    def _timeout(self, timeout: object, path: str) -> None:
        if isinstance(timeout, Text) and not timeout.is_expression:
            self._named(timeout, (name.text for name, _ in self._uses.timeouts), "timeout", "use.timeouts", path)

    def _named(self, text: Text, names: Iterable[str], what: str, where: str, path: str) -> None:
        known = list(names)
        if text.text not in known:
            guess = nearest(text.text, known)
            self.errors.wrong(
                text.place,
                f"there is no {what} `{text.text[:60]}`",
                path,
                f"did you mean `{guess}`?" if guess else f"define it below `{where}`",
            )

    def _texts(self, node: Node, below: tuple[str, ...], path: str, scope: frozenset[str]) -> None:
        """Look at every text of a task, but for those of the tasks inside of it. `below` are the keys down to `node`."""
        if below in _NESTED:
            return
        if below in _SCHEMAS and isinstance(node, MapNode):
            document = node.get("document") if below[0] != "with" else None
            self._schema(document.value if document is not None else node, path)
            return
        match node:
            case MapNode(entries=entries):
                for entry in entries:
                    self._texts(entry.value, (*below, entry.key), f"{path}.{entry.key}", scope)
            case ListNode(items=items):
                for position, item in enumerate(items):
                    self._texts(item, below, f"{path}[{position}]", scope)
            case Scalar(type=ScalarType.TEXT):
                self._text(node, below, path, scope)
            case Scalar():
                return

    def _text(self, node: Scalar, below: tuple[str, ...], path: str, scope: frozenset[str]) -> None:
        expression = inside(node.text)
        if expression is None:
            is_condition = below in _BARE or (below[:1] == ("switch",) and below[-1:] == ("when",))
            if node.text.lstrip().startswith("${"):
                self.errors.wrong(
                    node.place, "the expression has no end", path, "it ends with `}`, and nothing stands behind"
                )
                return
            if not is_condition:
                if "${" in node.text and below not in _VERBATIM:
                    self.warnings.wrong(
                        node.place,
                        "`${` inside a text is not an expression, and is left as it is",
                        path,
                        'make the whole text one: ${ "Hello " + .name }',
                    )
                return
            if self._workflow.strict and node.text not in ("true", "false"):
                self.errors.wrong(
                    node.place, "an expression stands in `${ }` here", path, "`evaluate.mode: strict` asks for it"
                )
                return
            expression = node.text
        found = scan(expression)
        if found.wrong:
            self.errors.wrong(node.place, found.wrong, path, found.remedy)
            return
        for name in sorted(found.used - KNOWN - scope):
            guess = nearest(name, [*KNOWN, *scope])
            remedy = (
                f"did you mean `${guess}`?"
                if guess
                else "known here are "
                + ", ".join(f"${each}" for each in sorted((KNOWN | scope) - {"__loc__", "authorization"}))
            )
            self.errors.wrong(node.place, f"there is no variable `${name[:60]}` here", path, remedy)
        for name in sorted(found.secrets - self._secrets) if self._secrets is not None else ():
            self.errors.wrong(
                node.place, f"the secret `{name[:60]}` is not declared", path, f"add `- {name}` below `use.secrets`"
            )
        if found.used <= KNOWN | scope:
            self._compiled(node, expression, path, KNOWN | scope)

    def _compiled(self, node: Scalar, expression: str, path: str, variables: frozenset[str]) -> None:
        complaint = shared().look_at(expression, variables)
        if complaint is not None:
            self.errors.wrong(node.place, f"in the expression, {complaint.wrong}", path, complaint.remedy)

    def _schema(self, node: Node, path: str) -> None:
        """A schema may refer to itself alone."""
        match node:
            case MapNode(entries=entries):
                for entry in entries:
                    refers = entry.key in ("$ref", "$dynamicRef") and isinstance(entry.value, Scalar)
                    if refers and isinstance(entry.value, Scalar) and not entry.value.text.startswith("#"):
                        self.errors.wrong(
                            entry.value.place,
                            "the schema refers to something outside of it",
                            f"{path}.{entry.key}",
                            "write it out below `$defs`, and refer to it as #/$defs/NAME",
                        )
                    self._schema(entry.value, f"{path}.{entry.key}")
            case ListNode(items=items):
                for item in items:
                    self._schema(item, path)
            case Scalar():
                return

    def _circles(self) -> None:
        calls = {each.name.text: frozenset(_called(each)) for each in self._uses.functions}
        places = {each.name.text: each.place for each in self._uses.functions}
        self._circle(calls, places, "function", "use.functions", "calls itself, and never ends")
        waits = {name.text: frozenset({to.text}) for name, to in self._uses.timeouts if isinstance(to, Text)}
        for name, to in self._uses.timeouts:
            self._timeout(to, f"use.timeouts.{name.text}")
        places = {name.text: name.place for name, _ in self._uses.timeouts}
        self._circle(waits, places, "timeout", "use.timeouts", "refers to itself")

    def _circle(
        self, edges: Mapping[str, frozenset[str]], places: Mapping[str, Place], what: str, where: str, does: str
    ) -> None:
        for name in edges:
            seen: set[str] = set()
            waiting = [*edges[name]]
            while waiting:
                each = waiting.pop()
                if each not in seen:
                    seen.add(each)
                    waiting.extend(edges.get(each, ()))
            if name in seen:
                around = (
                    f", by way of {', '.join(f'`{each}`' for each in sorted(seen - {name}))}" if seen - {name} else ""
                )
                self.errors.wrong(
                    places[name], f"the {what} `{name[:60]}` {does}{around}", f"{where}.{name}", "break the circle"
                )


def _introduced(task: Task) -> frozenset[str]:
    """The variables that a task brings in for what is inside of it."""
    match task.work:
        case For(each=each, at=at) | Listen(item=each, at=at):
            return frozenset({each.text if each else "item", at.text if at else "index"})
        case Try(catch=catch) if catch is not None:
            return frozenset({catch.name.text if catch.name else "error"})
        case _:
            return frozenset()


def _called(task: Task) -> Iterable[str]:
    """The functions that a task calls, and those inside of it."""
    if isinstance(task.work, FunctionCall):
        yield task.work.function.text
    for _, tasks in task.lists():
        for inner in tasks:
            yield from _called(inner)
