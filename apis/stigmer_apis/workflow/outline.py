"""A document as a tree of tasks with the ways between them: what every drawing of it is made from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_apis.documents.nodes import ListNode, MapNode, Node, Scalar
from stigmer_apis.workflow.flow import END, EXIT, ways
from stigmer_apis.workflow.model import (
    AgentCall,
    Emit,
    For,
    Fork,
    GrpcCall,
    HttpCall,
    Listen,
    Raise,
    RunProcess,
    RunWorkflow,
    Set,
    Task,
    Wait,
    Workflow,
)
from stigmer_apis.workflow.values import Text

_SHOWN = 48


@dataclass(frozen=True, slots=True)
class Turn:
    """A way that does not simply go on with the next task."""

    label: str
    to: str
    """The name of a task of the same list, or `end`, or `exit`."""
    position: int | None
    """Of that task; None for `end` and `exit`."""


@dataclass(frozen=True, slots=True)
class Item:
    """One task of the tree."""

    name: str
    kind: str
    """`call http`."""
    about: str
    """A few words of what it does; empty where the kind says it all."""
    condition: str
    turns: tuple[Turn, ...]
    goes_on: bool
    """The next task of the list follows on it, perhaps."""
    groups: "tuple[Group, ...]"


@dataclass(frozen=True, slots=True)
class Group:
    """A list of tasks inside of a task."""

    label: str
    """`do`, `branches`, `try`, `catch`, `foreach`."""
    items: tuple[Item, ...]

    @property
    def is_parallel(self) -> bool:
        """Whether its items run side by side."""
        return self.label == "branches"


def outline(workflow: Workflow) -> Group:
    """The tree of a document. In a file with several workflows these do not follow on each other."""
    return Group("branches" if workflow.are_several else "do", _items(workflow.tasks, parallel=workflow.are_several))


def heading(workflow: Workflow) -> str:
    """What the document is called."""
    named = "/".join(part.text for part in (workflow.namespace, workflow.name) if part is not None) or workflow.source
    version = f" {workflow.version.text}" if workflow.version is not None else ""
    return one_line(f"{named}{version}", 120) + (f": {one_line(workflow.title, 80)}" if workflow.title else "")


def _items(tasks: Sequence[Task], *, parallel: bool) -> tuple[Item, ...]:
    if parallel:
        return tuple(_item(task, (), goes_on=False) for task in tasks)
    items: list[Item] = []
    for at, (task, leading) in enumerate(zip(tasks, ways(tasks), strict=True)):
        following = at + 1 if at + 1 < len(tasks) else EXIT
        plain = [way for way in leading if way.to == following and way.label in ("", "skipped", "otherwise")]
        turns = tuple(
            Turn(way.label, way.to, None)
            if isinstance(way.to, str)
            else Turn(way.label, tasks[way.to].name.text, way.to)
            for way in leading
            if way not in plain
        )
        items.append(_item(task, turns, goes_on=bool(plain)))
    return tuple(items)


def _item(task: Task, turns: tuple[Turn, ...], *, goes_on: bool) -> Item:
    groups = tuple(Group(word, _items(tasks, parallel=word == "branches")) for word, tasks in task.lists())
    condition = one_line(task.condition.text, _SHOWN) if task.condition is not None else ""
    return Item(
        one_line(task.name.text, _SHOWN), task.kind, one_line(_about(task), _SHOWN), condition, turns, goes_on, groups
    )


def _about(task: Task) -> str:
    match task.work:
        case Set(values=MapNode(entries=entries)):
            return ", ".join(entry.key for entry in entries[:6])
        case HttpCall(method=method, endpoint=endpoint):
            return f"{_said(method).upper()} {_where(endpoint)}"
        case GrpcCall(service=service, method=method):
            return f"{_said(service)}/{_said(method)}"
        case AgentCall(agent=agent):
            return _said(agent)
        case For(each=each, items=items):
            return f"${each.text if each else 'item'} in {_where(items)}"
        case Fork(competes=competes):
            return "the first to end wins" if competes else "all are waited for"
        case Listen(events=events) if events is not None:
            names = [
                found.id if found.type in ("signal", "query", "update") else found.type for found in events.filters
            ]
            return f"{events.mode}: {', '.join(names)}"
        case Emit(event=event) if event is not None and (kind := event.get("type")) is not None:
            return _where(kind.value)
        case Raise(error=error) if error is not None:
            return error.text if isinstance(error, Text) else _said(error.type)
        case RunProcess(what=what):
            return _said(what)
        case RunWorkflow(name=name, waits=waits):
            return _said(name) + ("" if waits else ", not waited for")
        case Wait(span=span) if span is not None:
            return span.shown
        case _:
            return ""


def _said(text: Text | None) -> str:
    return text.text if text is not None else ""


def _where(node: Node | None) -> str:
    match node:
        case Scalar(text=text):
            return text
        case MapNode() if (uri := node.get("uri")) is not None:
            return _where(uri.value)
        case ListNode(items=items):
            return f"{len(items)} items"
        case _:
            return ""


def one_line(text: str, most: int) -> str:
    """Text as one line of at most so many characters. What controls a terminal is still to be made harmless by who prints it."""
    plain = re.sub(r"\s+", " ", text).strip()
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def turn_words(turn: Turn) -> str:
    """A turn for people: `big → approve`."""
    to = {END: "the end", EXIT: "out of this list"}.get(turn.to, turn.to) if turn.position is None else turn.to
    return f"{turn.label} → {one_line(to, _SHOWN)}".strip()
