"""Tasks, and lists of them."""

from collections.abc import Callable

from stigmer_apis.documents.nearest import suggestion
from stigmer_apis.documents.nodes import ListNode, MapNode, Node
from stigmer_apis.workflow import limits
from stigmer_apis.workflow.calls import call
from stigmer_apis.workflow.fields import Fields, Notes, as_text, described, read_span
from stigmer_apis.workflow.model import (
    Case,
    Catch,
    Do,
    Emit,
    For,
    Fork,
    Listen,
    Raise,
    Set,
    Switch,
    Task,
    Try,
    Wait,
    Work,
)
from stigmer_apis.workflow.parts import error, events, retry, shaping
from stigmer_apis.workflow.runs import run
from stigmer_apis.workflow.values import Error, Retry, Span, Text


class TooMuch(Exception):
    """A document is not read any further: what was noted last says why."""


class TaskReader:
    """Reads the tasks of one document, and counts them."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._count = 0
        self._kinds: dict[str, Callable[[Fields, int], Work | None]] = {
            "for": self._for, "do": self._do, "fork": self._fork, "try": self._try, "switch": self._switch,
            "listen": self._listen, "call": lambda fields, _: call(fields), "run": lambda fields, _: run(fields),
            "set": self._set, "emit": self._emit, "raise": self._raise, "wait": self._wait,
        }  # fmt: skip

    def tasks(self, node: Node | None, path: str, level: int, *, least: int = 1) -> tuple[Task, ...]:
        """The tasks of a list: each an item with the task's name as its only key. Raises `TooMuch`."""
        if node is None:
            return ()
        if level > limits.LEVELS:
            self._notes.wrong(
                node.place,
                f"tasks are nested more than {limits.LEVELS} deep",
                path,
                "make a workflow of its own of them, and run it by `run: workflow`",
            )
            raise TooMuch
        if not isinstance(node, ListNode):
            self._notes.wrong(
                node.place,
                f"a list of tasks is wanted, and this is {described(node)}",
                path,
                "write each task on a line of its own: `- name:`, and what it does indented below",
            )
            return ()
        if len(node.items) < least:
            self._notes.wrong(
                node.place, f"at least {least} {'task is' if least == 1 else 'branches are'} needed here", path
            )
        read = (self._item(item, f"{path}[{at}]", level) for at, item in enumerate(node.items))
        return tuple(task for task in read if task is not None)

    def _item(self, node: Node, path: str, level: int) -> Task | None:
        if not isinstance(node, MapNode) or len(node.entries) != 1:
            inside = f"a mapping of {len(node.entries)} keys" if isinstance(node, MapNode) else described(node)
            self._notes.wrong(
                node.place,
                f"a task is one name with what it does below it, and this is {inside}",
                path,
                "write `- name:`, and what it does indented two more below" if isinstance(node, MapNode) else "",
            )
            return None
        entry = node.entries[0]
        return self.task(Text(entry.place, entry.key), entry.value, f"{path}.{entry.key}", level)

    def task(self, name: Text, node: Node, path: str, level: int) -> Task | None:
        """One task. Raises `TooMuch`."""
        self._count += 1
        if self._count > limits.TASKS:
            self._notes.wrong(
                name.place,
                f"this is more than {limits.TASKS} tasks",
                path,
                "divide it into workflows that run each other, or use `for`",
            )
            raise TooMuch
        fields = Fields.of(node, self._notes, path, f"what `{name.text[:60]}` does")
        if fields is None:
            return None
        work = self._work(fields, name, level)
        task = Task(
            name,
            fields.node,
            work,
            fields.condition("if"),
            shaping(fields, "input"),
            shaping(fields, "output"),
            shaping(fields, "export"),
            timeout(fields, "timeout"),
            fields.text("then"),
        )
        fields.mapping("metadata", or_expression=False)
        fields.done()
        return task

    def _work(self, fields: Fields, name: Text, level: int) -> Work | None:
        written = [kind for kind in self._kinds if fields.node.get(kind) is not None]
        if written[:2] == ["for", "do"]:
            written.remove("do")
        if len(written) == 1:
            return self._kinds[written[0]](fields, level)
        others = [entry.key for entry in fields.node.entries]
        fields.pass_over(*others)
        if not written:
            guess = next((found for each in others if (found := suggestion(each, self._kinds)).startswith("did")), "")
            fields.notes.wrong(
                fields.node.place if not others else name.place,
                f"the task `{name.text[:60]}` does nothing",
                fields.path,
                guess or f"write one of {', '.join(sorted(self._kinds))} below it",
            )
        else:
            fields.wrong(written[1], f"`{written[0]}` and `{written[1]}` exclude each other", "make two tasks of it")
        return None

    def _do(self, fields: Fields, level: int) -> Do:
        return Do(self.tasks(fields.anything("do", required=True), fields.at("do"), level + 1))

    def _for(self, fields: Fields, level: int) -> For:
        def loop(below: Fields) -> tuple[Text | None, Text | None, Node | None]:
            found = below.text("each"), below.text("at"), below.anything("in", required=True)
            below.done()
            return found

        each, at, items = fields.below("for", loop, required=True) or (None, None, None)
        goes_on = fields.condition("while")
        return For(
            each, at, items, goes_on, self.tasks(fields.anything("do", required=True), fields.at("do"), level + 1)
        )

    def _fork(self, fields: Fields, level: int) -> Fork:
        def fork(below: Fields) -> Fork:
            branches = self.tasks(below.anything("branches", required=True), below.at("branches"), level + 1, least=2)
            if len(branches) > limits.BRANCHES:
                below.wrong(
                    "branches",
                    f"these are {len(branches)} branches; at most {limits.BRANCHES} run side by side",
                    "use `for`",
                )
            found = Fork(branches, below.flag("compete", False))
            below.done()
            return found

        return fields.below("fork", fork, required=True) or Fork((), False)

    def _try(self, fields: Fields, level: int) -> Try:
        tasks = self.tasks(fields.anything("try", required=True), fields.at("try"), level + 1)
        return Try(
            tasks, fields.below("catch", lambda below: self._catch(below, level), required=not self._notes.published)
        )

    def _catch(self, fields: Fields, level: int) -> Catch:
        def filter_of(below: Fields) -> MapNode | None:
            attributes = below.mapping("with", required=True, or_expression=False)
            below.done()
            within = Fields(attributes, below.notes, below.at("with")) if attributes is not None else None
            if within is not None:
                for key in ("type", "instance", "title", "details", "detail"):
                    within.text(key)
                within.anything("status")
                within.done()
            return attributes

        found = Catch(
            fields.node.place,
            fields.below("errors", filter_of),
            fields.text("as"),
            fields.condition("when"),
            fields.condition("exceptWhen"),
            self._retry(fields),
            self.tasks(fields.anything("do"), fields.at("do"), level + 1),
        )
        fields.done()
        return found

    def _retry(self, fields: Fields) -> Retry | Text | None:
        entry = fields.entry("retry")
        if entry is None:
            return None
        name = as_text(entry.value)
        return name if name is not None else fields.below("retry", retry)

    def _switch(self, fields: Fields, level: int) -> Switch:
        del level
        cases: list[Case] = []
        for at, item in enumerate(fields.items("switch", required=True, least=1)):
            path = f"{fields.at('switch')}[{at}]"
            if not isinstance(item, MapNode) or len(item.entries) != 1:
                self._notes.wrong(
                    item.place,
                    "a case is one name with `when` and `then` below it",
                    path,
                    "write `- name:` and indent the rest",
                )
                continue
            entry = item.entries[0]
            below = Fields.of(entry.value, self._notes, f"{path}.{entry.key}")
            if below is not None:
                then = below.text("then", required=True, remedy="the name of a task, `continue`, `exit` or `end`")
                cases.append(Case(Text(entry.place, entry.key), below.condition("when"), then))
                below.done()
        return Switch(tuple(cases))

    def _listen(self, fields: Fields, level: int) -> Listen:
        def listen(below: Fields) -> Listen:
            found = below.below("to", events, required=True)
            below.text("read", one_of=("data", "envelope", "raw"))
            below.done()
            return Listen(found, None, None, ())

        def foreach(below: Fields) -> tuple[Text | None, Text | None, tuple[Task, ...]]:
            found = below.text("item"), below.text("at")
            tasks = self.tasks(below.anything("do"), below.at("do"), level + 1)
            shaping(below, "output")
            shaping(below, "export")
            below.done()
            return *found, tasks

        heard = fields.below("listen", listen, required=True)
        item, at, tasks = fields.below("foreach", foreach) or (None, None, ())
        return Listen(heard.events if heard is not None else None, item, at, tasks)

    def _set(self, fields: Fields, level: int) -> Set | None:
        del level
        value = fields.anything("set", required=True)
        if value is None:
            return None
        text = as_text(value)
        if not isinstance(value, MapNode) and not (text is not None and text.is_expression):
            fields.wrong(
                "set", f"names with values are wanted, and this is {described(value)}", "indent `name: value` below it"
            )
        elif isinstance(value, MapNode) and not value.entries:
            fields.wrong("set", "this sets nothing", "indent `name: value` below it")
        return Set(value)

    def _emit(self, fields: Fields, level: int) -> Emit:
        del level

        def event(below: Fields) -> MapNode | None:
            attributes = below.mapping("with", required=True, or_expression=False)
            below.done()
            if attributes is not None:
                Fields(attributes, below.notes, below.at("with")).text(
                    "type", required=True, remedy="what kind of event it is"
                )
            return attributes

        def emit(below: Fields) -> Emit:
            found = Emit(below.below("event", event, required=True))
            below.done()
            return found

        return fields.below("emit", emit, required=True) or Emit(None)

    def _raise(self, fields: Fields, level: int) -> Raise:
        del level

        def raised(below: Fields) -> Error | Text | None:
            entry = below.entry(
                "error", required=True, remedy="the name of one of `use.errors`, or `type` and `status`"
            )
            name = as_text(entry.value) if entry is not None else None
            found = name if name is not None else below.below("error", error)
            below.done()
            return found

        return Raise(fields.below("raise", raised, required=True))

    def _wait(self, fields: Fields, level: int) -> Wait:
        del level
        return Wait(fields.span("wait", required=True))


def timeout(fields: Fields, key: str) -> Span | Text | None:
    """`after` with a length of time, or the name of one of `use.timeouts`."""
    entry = fields.entry(key)
    if entry is None:
        return None
    name = as_text(entry.value)
    if name is not None:
        return name

    def read(below: Fields) -> Span | None:
        after = below.entry("after", required=True, remedy="such as `seconds: 30` below it")
        below.done()
        return read_span(after.value, below.notes, below.at("after")) if after is not None else None

    return fields.below(key, read)
