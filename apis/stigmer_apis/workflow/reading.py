"""Files to workflow documents: all that is wrong with them at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stigmer_apis.documents.nodes import Entry, MapNode, Node, Place
from stigmer_apis.documents.parsing import parse
from stigmer_apis.documents.problems import Problem
from stigmer_apis.documents.sources import Source
from stigmer_apis.workflow import limits
from stigmer_apis.workflow.cron import SHORTEST_SECONDS, CronError, parse_cron
from stigmer_apis.workflow.fields import Fields, Notes, as_text
from stigmer_apis.workflow.model import Schedule, Task, Uses, Workflow
from stigmer_apis.workflow.parts import authentication, error, events, retry, shaping
from stigmer_apis.workflow.tasks import TaskReader, TooMuch, timeout
from stigmer_apis.workflow.values import Span, Text

T = TypeVar("T")

NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
VERSION = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"
DSL = ("1.0.0", "1.0.1", "1.0.2", "1.0.3")


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one document."""

    workflow: Workflow | None
    """None where it was not read to its end."""
    problems: tuple[Problem, ...]
    """In the order of the file; of its form alone: `checking` looks for what else is wrong."""


def is_workflow_document(node: Node) -> bool:
    """Whether this is a document of the workflow language, rather than a resource's description."""
    return isinstance(node, MapNode) and not is_description(node) and node.get("document", "do") is not None


def is_description(node: Node) -> bool:
    """Whether this describes a resource."""
    return isinstance(node, MapNode) and node.get("kind", "apiVersion", "api_version") is not None


def read_sources(sources: Sequence[Source]) -> list[Reading]:
    """Every document of `sources`. A source without any is a problem too."""
    readings: list[Reading] = []
    for source, parsed in zip(sources, parse(sources, limits.DEPTH), strict=True):
        problems = tuple(part for part in parsed if isinstance(part, Problem))
        nodes = [part for part in parsed if not isinstance(part, Problem)]
        if not problems and not nodes:
            remedy = "a workflow begins with `document:` and has its tasks below `do:`"
            problems = (Problem(source.name, 0, 0, "there is no document in it", remedy=remedy),)
        if problems:
            readings.append(Reading(None, problems))
        readings.extend(read_node(source.name, node) for node in nodes)
    return readings


def read_node(source: str, node: Node, *, published: bool = False) -> Reading:
    """One document."""
    notes = Notes(source, published=published)
    workflow = None
    fields = Fields.of(node, notes, "", "a document with `document:` and `do:`")
    if fields is not None:
        try:
            workflow = _workflow(source, fields)
        except TooMuch:
            workflow = None
    return Reading(workflow, in_order(notes.problems))


def in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """As they stand in the file, each once."""
    return tuple(dict.fromkeys(sorted(problems, key=lambda problem: (problem.line, problem.column))))


def _workflow(source: str, fields: Fields) -> Workflow:
    reader = TaskReader(fields.notes)
    head = fields.below("document", _head, required=True) or _Head(fields.node.place)
    uses = fields.below("use", lambda below: _uses(below, reader)) or Uses()
    tasks = reader.tasks(
        fields.anything("do", required=True),
        "do",
        1,
    )
    found = Workflow(
        source,
        fields.node.place,
        head.dsl,
        head.namespace,
        head.name,
        head.version,
        head.title,
        head.summary,
        shaping(fields, "input"),
        shaping(fields, "output"),
        timeout(fields, "timeout"),
        uses,
        fields.below("schedule", _schedule),
        tasks,
        fields.below("evaluate", _strict) or False,
    )
    fields.mapping("metadata", or_expression=False)
    fields.done()
    return found


@dataclass(frozen=True, slots=True)
class _Head:
    place: Place
    dsl: Text | None = None
    namespace: Text | None = None
    name: Text | None = None
    version: Text | None = None
    title: str = ""
    summary: str = ""


def _strict(fields: Fields) -> bool:
    """`evaluate`: how expressions are written."""
    fields.text("language", one_of=("jq",))
    mode = fields.text("mode", one_of=("strict", "loose"))
    fields.done()
    return mode is not None and mode.text == "strict"


def _head(fields: Fields) -> _Head:
    """`document`. Zigflow's newer dialect says `taskQueue` and `workflowType` for `namespace` and `name`."""
    dsl = fields.text("dsl", required=True, remedy="write `dsl: 1.0.0`")
    if dsl is not None and dsl.text not in DSL:
        older = "this is an older language with other rules: write the document anew for 1.0.0"
        fields.wrong(
            "dsl",
            f"the version {dsl.text[:30]} is not read here",
            older if dsl.text[:2] == "0." else "write `dsl: 1.0.0`",
        )
    shape = "" if fields.notes.published else NAME
    rules = "letters, digits and hyphens, at most 63, with no hyphen at either end"
    words = ("taskQueue", "workflowType") if fields.node.get("workflowType") is not None else ("namespace", "name")
    namespace = fields.text(words[0], required=True, pattern=shape, remedy=rules)
    name = fields.text(words[1], required=True, pattern=shape, remedy=rules)
    version = fields.text("version", required=True, pattern=shape and VERSION, remedy="three numbers, such as 1.0.0")
    title, summary = fields.text("title"), fields.text("summary")
    fields.text("description")
    fields.mapping("tags", or_expression=False)
    fields.mapping("metadata", or_expression=False)
    fields.done()
    return _Head(
        fields.node.place, dsl, namespace, name, version, title.text if title else "", summary.text if summary else ""
    )


def _schedule(fields: Fields) -> Schedule:
    cron = fields.text("cron")
    if cron is not None:
        try:
            parse_cron(cron.text)
        except CronError as error:
            fields.wrong(
                "cron",
                f"`{cron.text[:60]}` is no cron expression: {error}",
                "five fields: minute hour day month weekday, as `0 3 * * *`",
            )
    found = Schedule(fields.node.place, fields.span("every"), cron, fields.span("after"), fields.below("on", events))
    for key, span in (("every", found.every), ("after", found.after)):
        if span is not None and (span.seconds is None or span.seconds < SHORTEST_SECONDS):
            fields.wrong(
                key,
                f"`{span.shown}` is no time that a schedule can keep",
                f"at least {SHORTEST_SECONDS:g} s, without expressions",
            )
    fields.done()
    if not any((found.every, found.cron, found.after, found.on)):
        fields.notes.wrong(
            fields.node.place, "this never starts anything", fields.path, "write one of every, cron, after, on"
        )
    return found


def _uses(fields: Fields, reader: TaskReader) -> Uses:
    found = Uses(
        _named(fields, "errors", error),
        _named(fields, "retries", retry),
        _timeouts(fields),
        _named(fields, "authentications", authentication),
        _functions(fields, reader),
        _secrets(fields),
        tuple(Text(entry.place, entry.key) for entry in _entries(fields, "catalogs")),
    )
    fields.pass_over("extensions")
    if fields.node.get("extensions") is not None:
        fields.wrong(
            "extensions", "extensions are not part of what Stigmer reads", "write the tasks where they shall run"
        )
    fields.done()
    return found


def _entries(fields: Fields, key: str) -> tuple[Entry, ...]:
    node = fields.mapping(key, or_expression=False)
    return node.entries if node is not None else ()


def _named(fields: Fields, key: str, read: Callable[[Fields], T]) -> tuple[tuple[Text, T], ...]:
    """The definitions below `use.KEY`, by their names."""
    found: list[tuple[Text, T]] = []
    for entry in _entries(fields, key):
        below = Fields.of(entry.value, fields.notes, f"{fields.at(key)}.{entry.key}")
        if below is not None:
            found.append((Text(entry.place, entry.key), read(below)))
    return tuple(found)


def _timeouts(fields: Fields) -> tuple[tuple[Text, Span | Text | None], ...]:
    node = fields.mapping("timeouts", or_expression=False)
    if node is None:
        return ()
    below = Fields(node, fields.notes, fields.at("timeouts"))
    return tuple((Text(entry.place, entry.key), timeout(below, entry.key)) for entry in node.entries)


def _functions(fields: Fields, reader: TaskReader) -> tuple[Task, ...]:
    read = (
        reader.task(Text(entry.place, entry.key), entry.value, f"{fields.at('functions')}.{entry.key}", 1)
        for entry in _entries(fields, "functions")
    )
    return tuple(task for task in read if task is not None)


def _secrets(fields: Fields) -> tuple[Text, ...]:
    found: list[Text] = []
    for at, item in enumerate(fields.items("secrets")):
        text = as_text(item)
        if text is None:
            fields.wrong(f"secrets[{at}]", "the name of a secret is wanted", "its value stands in no file", item.place)
        else:
            found.append(text)
    return tuple(found)
