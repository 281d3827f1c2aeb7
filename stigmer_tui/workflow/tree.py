"""The tasks of a document as a tree, each with what happened to it."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stigmer_apis.workflow.model import Task, Workflow
from stigmer_apis.workflow.outline import Item, outline, turn_words
from stigmer_tui.workflow.visits import TaskState, Visit

KEPT_VISITS = 20
"""Of each task, the newest."""

_STEPS = {"do": ("do",), "branches": ("fork", "branches"), "try": ("try",), "catch": ("catch", "do")}
"""Where a list of tasks stands below its task, by the word of the outline."""


@dataclass(slots=True, eq=False)
class Node:
    """A task of the document."""

    path: str
    """JSON pointer: `/do/2/fetch`. As long as nobody knows the document, the path of the run's task."""
    name: str
    kind: str
    """`call http`."""
    about: str = ""
    condition: str = ""
    """`if`."""
    group: str = ""
    """The list that it stands in, where that has a name worth telling: `catch`, `foreach`."""
    is_branch: bool = False
    """It runs beside the others of its list."""
    turns: tuple[str, ...] = ()
    """Ways that do not simply go on: `big → approve`."""
    children: "list[Node]" = field(default_factory=lambda: list[Node]())
    parent: "Node | None" = None
    visits: deque[Visit] = field(default_factory=lambda: deque[Visit](maxlen=KEPT_VISITS))
    """The newest ones, the newest last; those that run are kept by the state as well."""
    begun: int = 0
    """Visits in all."""
    ended: dict[TaskState, int] = field(default_factory=dict[TaskState, int])
    live: dict[str, Visit] = field(default_factory=dict[str, Visit])
    """Visits that have not ended, by the id of the run's task."""

    @property
    def newest(self) -> Visit | None:
        """The visit that is looked at first: one that goes on, else the last one."""
        if self.live:
            return next(reversed(self.live.values()))
        return self.visits[-1] if self.visits else None

    @property
    def state(self) -> TaskState:
        """Where it stands, by its newest visit."""
        newest = self.newest
        return TaskState.AHEAD if newest is None else newest.state

    def walk(self) -> "Iterator[Node]":
        """It and everything below."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


def nodes_of(workflow: Workflow) -> list[Node]:
    """The tree of a document, nothing of it begun."""
    whole = outline(workflow)
    return _nodes(workflow.tasks, whole.items, "/do", None, "", branches=False)


def _nodes(
    tasks: Sequence[Task], items: Sequence[Item], base: str, parent: Node | None, group: str, *, branches: bool
) -> list[Node]:
    nodes: list[Node] = []
    for place, (task, item) in enumerate(zip(tasks, items, strict=True)):
        node = Node(
            f"{base}/{place}/{pointer(task.name.text)}",
            task.name.text,
            item.kind,
            item.about,
            item.condition,
            group,
            branches,
            tuple(turn_words(turn) for turn in item.turns),
            parent=parent,
        )
        for (word, inner), below in zip(task.lists(), item.groups, strict=True):
            steps = ("foreach", "do") if word == "foreach" else _STEPS[word]
            label = word if word in ("catch", "foreach") else ""
            node.children += _nodes(
                inner,
                below.items,
                "/".join((node.path, *steps)),
                node,
                label,
                branches=below.is_parallel,
            )
        nodes.append(node)
    return nodes


def pointer(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def last_step(path: str) -> str:
    """The name that a path ends with."""
    return path.rpartition("/")[2].partition("#")[0].replace("~1", "/").replace("~0", "~")
