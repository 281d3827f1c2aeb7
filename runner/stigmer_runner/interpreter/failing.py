"""Errors of the workflow language: RFC 7807, with a JSON pointer to the task."""

import json
from dataclasses import dataclass, replace

from stigmer_apis.workflow.document_json import Json

_BASE = "https://serverlessworkflow.io/spec/1.0.0/errors/"
_TITLES = {
    "configuration": (400, "The document asks for something that is not there"),
    "validation": (400, "Data does not fit its schema"),
    "expression": (400, "An expression failed"),
    "authentication": (401, "It was not proved who is calling"),
    "authorization": (403, "This is not allowed"),
    "cancelled": (499, "It was stopped"),
    "timeout": (408, "It took too long"),
    "communication": (500, "A call failed"),
    "runtime": (500, "A task failed"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as data."""

    type: str
    status: int
    title: str = ""
    detail: str = ""
    instance: str = ""

    def data(self) -> dict[str, Json]:
        """As expressions and events see it."""
        return {
            "type": self.type,
            "status": self.status,
            "title": self.title,
            "detail": self.detail,
            "instance": self.instance,
        }

    def words(self) -> str:
        """For a person."""
        said = ": ".join(part for part in (self.title, self.detail) if part)
        return said or f"{self.type} ({self.status})"


class TaskFailed(Exception):
    """A task came to an error, which a `try` around it may catch."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.words())
        self.problem = problem


def failed(kind: str, detail: str, instance: str = "", title: str = "") -> TaskFailed:
    """An error of one of the language's own kinds, such as `expression`."""
    status, usual = _TITLES[kind]
    return TaskFailed(Problem(_BASE + kind, status, title or usual, detail, instance))


def problem_of(data: Json, instance: str) -> Problem:
    """An error as an activity or a document says it. What is missing is filled in."""
    given = data if isinstance(data, dict) else {}
    status = given.get("status")
    return Problem(
        _text(given.get("type")) or _BASE + "runtime",
        status if isinstance(status, int) and not isinstance(status, bool) else _number(status),
        _text(given.get("title")),
        _text(given.get("detail")),
        _text(given.get("instance")) or instance,
    )


def problem_of_json(text: str, instance: str) -> Problem:
    """The same from JSON text; what is no JSON is taken for the detail."""
    try:
        return problem_of(json.loads(text), instance)
    except ValueError:
        return replace(failed("runtime", text[:1000]).problem, instance=instance)


def matches(filter_: "dict[str, Json]", problem: Problem) -> bool:
    """Whether an error is meant by `catch.errors.with`: each attribute that is named there is the same."""
    own = problem.data()
    for key, wanted in filter_.items():
        found = own.get("detail" if key == "details" else key)
        if key == "type" and isinstance(wanted, str) and "/" not in wanted:
            found = problem.type.rsplit("/", 1)[-1]
        if key == "status" and isinstance(wanted, str):
            found = str(found)
        if found != wanted:
            return False
    return True


def _text(value: Json) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _number(value: Json) -> int:
    try:
        return int(value) if isinstance(value, str | float) else 500
    except (ValueError, OverflowError):
        return 500
