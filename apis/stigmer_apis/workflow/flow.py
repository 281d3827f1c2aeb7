"""Where a list of tasks goes: the ways from each task to others of its list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stigmer_apis.workflow.model import Raise, Switch, Task
from stigmer_apis.workflow.values import Text

CONTINUE, EXIT, END = "continue", "exit", "end"
DIRECTIVES = (CONTINUE, EXIT, END)


@dataclass(frozen=True, slots=True)
class Way:
    """From a task to what follows on it."""

    to: int | str
    """The position in the list, or `exit` (the list is left) or `end` (the workflow ends)."""
    label: str = ""
    """Under which condition; empty for always."""


def targets(task: Task) -> Iterator[tuple[Text, str]]:
    """Everything behind a `then`, and where in the task it stands."""
    if task.then is not None:
        yield task.then, "then"
    if isinstance(task.work, Switch):
        for case in task.work.cases:
            if case.then is not None:
                yield case.then, f"switch.{case.name.text}.then"


def ways(tasks: Sequence[Task]) -> tuple[tuple[Way, ...], ...]:
    """For each task of a list the ways from it. A `then` to no task of the list is taken for `continue`: it is a mistake of its own."""
    positions = {each.name.text: position for position, each in reversed(list(enumerate(tasks)))}
    return tuple(tuple(_ways(task, at, len(tasks), positions)) for at, task in enumerate(tasks))


def _ways(task: Task, at: int, count: int, positions: dict[str, int]) -> Iterator[Way]:
    following: int | str = at + 1 if at + 1 < count else EXIT

    def lead(then: Text | None) -> int | str:
        if then is None or then.text == CONTINUE:
            return following
        return then.text if then.text in DIRECTIVES else positions.get(then.text, following)

    if isinstance(task.work, Switch):
        for case in task.work.cases:
            yield Way(lead(case.then), case.name.text)
        if all(case.when is not None for case in task.work.cases):
            yield Way(lead(task.then), "otherwise")
    elif not isinstance(task.work, Raise):
        yield Way(lead(task.then))
    if task.condition is not None:
        yield Way(following, "skipped")


def reached(tasks: Sequence[Task]) -> frozenset[int]:
    """The positions of the tasks that can be reached from the first."""
    leading = ways(tasks)
    seen: set[int] = set()
    waiting: list[int | str] = [0] if tasks else []
    while waiting:
        at = waiting.pop()
        if isinstance(at, int) and at not in seen:
            seen.add(at)
            waiting.extend(way.to for way in leading[at])
    return frozenset(seen)
