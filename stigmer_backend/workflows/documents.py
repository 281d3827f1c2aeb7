"""What a workflow execution runs: a document, read and checked once, and from then on one JSON text."""

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import WorkflowSpec
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.documents.nodes import Node, Place
from stigmer_apis.documents.parsing import parse
from stigmer_apis.documents.problems import Problem
from stigmer_apis.documents.sources import Source
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_apis.slugs import slugify
from stigmer_apis.workflow.checking import Checked, check
from stigmer_apis.workflow.document_json import DocumentBroken, to_json, workflow_of_json
from stigmer_apis.workflow.limits import DEPTH
from stigmer_apis.workflow.messages import check_messages, document_of
from stigmer_apis.workflow.model import Workflow
from stigmer_apis.workflow.reading import is_workflow_document, read_node

LONGEST_BYTES = 1 << 20
"""Of a document as it is written."""
_KEPT_BYTES = 32 << 20
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may be run."""

    json: str
    """In the language's form."""
    workflow: Workflow
    warnings: tuple[Problem, ...]
    published: bool
    """It was made from the published messages."""
    others: tuple[Workflow, ...] = ()
    """What stands behind it in the same text: workflows that it runs by name without their being stored."""

    @property
    def name(self) -> str:
        """As its author calls it."""
        return self.workflow.name.text if self.workflow.name is not None else ""

    def holds(self, name: str) -> bool:
        """Whether it or one of the others is called so."""
        named = (each.name for each in (self.workflow, *self.others))
        return any(each is not None and slugify(each.text) == slugify(name) for each in named)


class Documents:
    """Reads documents, a few at a time, and keeps those that were read last. Asked from the event loop, and from the store's writer."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Document] = OrderedDict()
        self._bytes = 0
        self._turns = asyncio.Semaphore(2)
        self._lock = threading.Lock()

    def at_once(self, spec: WorkflowSpec) -> Document:
        """What a stored workflow would run, read here and now where it is not known: for a step of the store's writer.

        Raises `InvalidArgument` with all that is wrong with it.
        """
        key, read = _reading(spec)
        known = self._known.get(key)
        return known if known is not None else self._keep(key, read())

    async def prepare(self, spec: WorkflowSpec) -> None:
        """Read what is about to be stored, so that the writer need not. Raises as `at_once`."""
        if spec.yaml:
            await self.of_spec(spec)

    async def of_text(self, text: str, field: str, name: str = "document") -> Document:
        """The document in `text`, YAML or JSON, which stood in `field` of a request.

        Raises `InvalidArgument` with all that is wrong with it, each with line and column.
        """
        if len(text) > LONGEST_BYTES:
            raise InvalidArgument(
                f"the {name} has {len(text):,} characters",
                remedy=f"at most {LONGEST_BYTES:,} are read: make several workflows of it",
                violations=[FieldViolation(field, "stigmer.workflow.document", "is too long")],
            )
        return await self._read(_key_of(text), lambda: _of_text(text, field, name))

    async def beginning_with(self, text: str, name: str) -> str:
        """A text of several documents with the one called `name` first; empty where none is called so."""
        if not (await self.of_text(text, "spec.document")).holds(name):
            return ""
        return await asyncio.to_thread(beginning_with, text, name)

    async def of_spec(self, spec: WorkflowSpec) -> Document:
        """What a stored workflow runs. Raises `InvalidArgument` where that cannot be read."""
        return await self._read(*_reading(spec))

    async def of_run(self, granted: LinkResponse.LeaseGranted) -> Document:
        """What an execution runs already. Raises `InvalidArgument` where this version cannot read it any more."""
        text, published = granted.document_json, granted.document_is_published
        return await asyncio.to_thread(_of_run, text, published)

    async def _read(self, key: bytes, read: Callable[[], Document]) -> Document:
        known = self._known.get(key)
        if known is None:
            async with self._turns:
                known = self._known.get(key) or await asyncio.to_thread(read)
        return self._keep(key, known)

    def _keep(self, key: bytes, document: Document) -> Document:
        with self._lock:
            if key not in self._known:
                self._known[key] = document
                self._bytes += len(document.json)
            self._known.move_to_end(key)
            while self._bytes > _KEPT_BYTES and len(self._known) > 1:
                self._bytes -= len(self._known.popitem(last=False)[1].json)
        return document


def beginning_with(text: str, name: str) -> str:
    """The documents of `text` with the one called `name` first, so that this is what runs; empty where none is called so."""
    nodes = _nodes(text, "document")[1]
    pieces = _pieces(text, [node.place.line for node in nodes])
    for number, node in enumerate(nodes):
        workflow = read_node("document", node).workflow
        if workflow is not None and workflow.name is not None and slugify(workflow.name.text) == slugify(name):
            return "".join((pieces[number], *pieces[:number], *pieces[number + 1 :]))
    return ""


def _pieces(text: str, lines: Sequence[int]) -> list[str]:
    """The documents of a text, each with its `---`. `lines`: where the content of each begins, from 1."""
    whole = text.removeprefix("\ufeff").splitlines(keepends=True)
    marks = [number for number, line in enumerate(whole, 1) if line[:3] == "---" and not line[3:4].strip()]
    begins = [max((mark for mark in marks if mark <= line), default=1) for line in lines]
    found: list[str] = []
    for begin, end in zip(begins, [*begins[1:], len(whole) + 1], strict=True):
        piece = "".join(whole[begin - 1 : end - 1])
        found.append(("" if begin in marks else "---\n") + piece + ("" if piece.endswith("\n") else "\n"))
    return found


def _nodes(text: str, name: str) -> tuple[tuple[Problem, ...], list[Node]]:
    """What keeps a text from being read, and its documents."""
    (parsed,) = parse([Source(name, text.encode("utf-8", "surrogateescape"), "yaml")], DEPTH)
    problems = tuple(part for part in parsed if isinstance(part, Problem))
    return problems, [part for part in parsed if not isinstance(part, Problem)]


def _check_text(text: str, name: str) -> tuple[list[Checked], str]:
    """What is wrong with the documents of a text, and the first one's JSON text. Starts processes: not for the event loop."""
    problems, nodes = _nodes(text, name)
    if not problems and not nodes:
        remedy = "give one workflow: `document:`, and its tasks below `do:`"
        problems = (Problem(name, 0, 0, "there is no document in it", remedy=remedy),)
    if not problems:
        what = "this is no document of the workflow language"
        remedy = "it begins with `document:` and has its tasks below `do:`"
        places = [node.place for node in nodes if not is_workflow_document(node)]
        problems = tuple(Problem(name, place.line, place.column, what, remedy=remedy) for place in places)
    if problems:
        return [Checked(None, problems)], ""
    return [check(read_node(name, node)) for node in nodes], to_json(nodes[0])


def refused(what: str, field: str, problems: Sequence[Problem]) -> InvalidArgument:
    """All that is wrong with a document."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return InvalidArgument(
        f"{what} cannot be run: {problems[0]}{more}",
        remedy="`stigmer workflow validate FILE` shows everything that is wrong with it",
        violations=[FieldViolation(field, "stigmer.workflow.document", str(problem)) for problem in problems[:_SHOWN]],
    )


def _of_text(text: str, field: str, name: str, *, alone: bool = False) -> Document:
    checked, json = _check_text(text, name)
    workflows = tuple(each.workflow for each in checked if each.workflow is not None)
    errors = [problem for each in checked for problem in each.errors]
    if not errors and len(workflows) > 1:
        errors = _twice(workflows, name) if not alone else [_several(len(workflows), name)]
    if errors or not workflows:
        raise refused(f"the {name}", field, errors)
    return Document(json, workflows[0], checked[0].warnings, published=False, others=workflows[1:])


def _several(count: int, name: str) -> Problem:
    return Problem(name, 0, 0, f"there are {count} documents in it", remedy="store each as a workflow of its own")


def _twice(workflows: Sequence[Workflow], name: str) -> list[Problem]:
    """Documents of one text that have the same name."""
    known: set[str] = set()
    found: list[Problem] = []
    for each in workflows:
        called = each.name
        if called is not None and slugify(called.text) in known:
            what = f"the name `{called.text}` is there twice in one text"
            found.append(
                Problem(name, called.place.line, called.place.column, what, remedy="give one of them another name")
            )
        elif called is not None:
            known.add(slugify(called.text))
    return found


def _of_run(json: str, published: bool) -> Document:
    try:
        return Document(json, workflow_of_json(json, published=published), (), published)
    except DocumentBroken as error:
        raise InvalidArgument(
            f"the document of this run cannot be read any more: {error}", remedy="run it from its beginning"
        ) from error


def _of_spec(spec: WorkflowSpec) -> Document:
    """Of the published messages: what stands in them has a path, and no line."""
    places: dict[str, Place] = {}

    def find(path: str) -> tuple[Place, str]:
        return places.setdefault(path, Place(0, len(places) + 1)), f"spec.{path}"

    checked = check_messages("", spec, find)
    if checked.errors or checked.workflow is None:
        first = checked.errors[0]
        more = f" (and {len(checked.errors) - 1} more)" if len(checked.errors) > 1 else ""
        raise InvalidArgument(
            f"the workflow {spec.document.name!r}: {first.field} {first.what}{more}",
            remedy=first.remedy,
            violations=[
                FieldViolation(problem.field, "stigmer.workflow.document", problem.what)
                for problem in checked.errors[:_SHOWN]
            ],
        )
    return Document(to_json(document_of(spec)), checked.workflow, checked.warnings, published=True)


def _reading(spec: WorkflowSpec) -> tuple[bytes, Callable[[], Document]]:
    """Under which key a stored workflow's document is kept, and how it is read."""
    if spec.yaml:
        name = spec.document.name or "document"
        return _key_of(spec.yaml, b"yaml"), lambda: _of_text(spec.yaml, "spec.yaml", name, alone=True)
    bare = WorkflowSpec(document=spec.document, tasks=spec.tasks)
    return hashlib.sha256(b"spec\0" + bare.SerializeToString(deterministic=True)).digest(), lambda: _of_spec(bare)


def _key_of(text: str, form: bytes = b"text") -> bytes:
    return hashlib.sha256(form + b"\0" + text.encode("utf-8", "surrogateescape")).digest()
