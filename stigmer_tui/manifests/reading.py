"""Sources to documents: all of them, or everything that is wrong with any."""

from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.documents.nearest import suggestion
from stigmer_apis.documents.nodes import Entry, MapNode, Node, Scalar, ScalarType
from stigmer_apis.documents.parsing import parse
from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.documents.sources import Source
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.slugs import slugify
from stigmer_apis.workflow.reading import is_workflow_document
from stigmer_tui.manifests.binding import Binder, Spots
from stigmer_tui.manifests.kinds import BY_NAME, DESCRIBED, WORKFLOW, Kind
from stigmer_tui.manifests.rules import broken_rules, problem_at
from stigmer_tui.manifests.scalars import described
from stigmer_tui.manifests.workflow_documents import resource_of
from stigmer_tui.manifests.workflows import check_spec


@dataclass(frozen=True, slots=True)
class Document:
    """One described resource, and where it stands."""

    source: str
    kind: Kind
    resource: Resource
    slug: str
    """What it will be called in references; empty where the server names it by its id."""
    spots: Spots

    def problem(self, path: str, what: str, remedy: str = "") -> Problem:
        """Something about the field at `path` of the resource, with its place."""
        return problem_at(self.source, self.spots, path, what, remedy)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found."""

    documents: tuple[Document, ...]
    passed_over: tuple[str, ...]
    """Files of a named directory that describe nothing of Stigmer's."""


def read_documents(sources: Sequence[Source]) -> Reading:
    """Every document of `sources`, checked by itself and for names that are there twice. Raises `ManifestError` with everything that is wrong."""
    problems: list[Problem] = []
    documents: list[Document] = []
    passed_over: list[str] = []
    for source, parsed in zip(sources, parse(sources), strict=True):
        nodes: list[Node] = []
        for part in parsed:
            if isinstance(part, Problem):
                problems.append(part)
            else:
                nodes.append(part)
        if source.found and nodes and not any(_is_ours(node) for node in nodes):
            passed_over.append(source.name)
            continue
        for node in nodes:
            if is_workflow_document(node):
                document = _workflow_document(source, node, problems, alone=len(nodes) == 1)
            else:
                document = _document(source.name, node, problems)
            if document is not None:
                documents.append(document)
    _find_doubles(documents, problems)
    if problems:
        raise ManifestError(problems)
    return Reading(tuple(documents), tuple(passed_over))


def _is_ours(node: Node) -> bool:
    described = isinstance(node, MapNode) and node.get("apiVersion", "api_version", "kind") is not None
    return described or is_workflow_document(node)


def _workflow_document(source: Source, node: Node, problems: list[Problem], *, alone: bool) -> Document | None:
    """A document of the workflow language: it is a resource by itself."""
    if not isinstance(node, MapNode):
        return None
    text = source.data.decode("utf-8", "replace") if alone else None
    resource, slug, found = resource_of(source.name, node, text)
    problems.extend(found)
    if resource is None:
        return None
    return Document(source.name, WORKFLOW, resource, slug, Binder(source.name, node).spots)


def _document(source: str, node: Node, problems: list[Problem]) -> Document | None:
    """The document, with what is wrong in it added to `problems`; None where not even its kind is known."""
    if not isinstance(node, MapNode):
        problems.append(
            Problem(
                source,
                node.place.line,
                node.place.column,
                f"a document is a mapping, and this is {described(node)}",
                remedy="write kind, metadata and spec as its keys",
            )
        )
        return None
    kind = _kind(source, node, problems)
    if kind is None:
        return None
    resource = Resource()
    message = getattr(resource, kind.field)
    binder = Binder(source, node)
    binder.bind(node, message, skip=("status",))
    message.api_version = message.api_version or API_VERSION
    if kind.scope and not message.metadata.owner_scope:
        message.metadata.owner_scope = (
            message.metadata.DESCRIPTOR.fields_by_name["owner_scope"].enum_type.values_by_name[kind.scope].number
        )
    slug = message.metadata.slug or slugify(message.metadata.name)
    found = [*binder.problems, *broken_rules(message, source, binder.spots, binder.broken)]
    if not slug and kind.name != "Session" and "metadata" not in binder.broken and "metadata.name" not in binder.broken:
        found.append(_nameless(source, kind, binder.spots, message.metadata.name))
    if not message.HasField("spec") and "spec" not in binder.broken:
        found.append(
            problem_at(source, binder.spots, "spec", "this is required", "write under `spec:` what it shall be")
        )
    if kind is WORKFLOW and not found:
        found.extend(check_spec(source, message.spec, binder.spots).errors)
    problems.extend(sorted(found, key=lambda problem: (problem.line, problem.column)))
    return Document(source, kind, resource, slug, binder.spots)


def _nameless(source: str, kind: Kind, spots: Spots, name: str) -> Problem:
    if name:
        return problem_at(
            source,
            spots,
            "metadata.name",
            "has no letter a-z and no digit, so that nothing can refer to it",
            "set metadata.slug as well",
        )
    return problem_at(source, spots, "metadata.name", f"the {kind.words} has no name", "add `name:` to its metadata")


def _kind(source: str, node: MapNode, problems: list[Problem]) -> Kind | None:
    entry = node.get("kind")
    names = [kind.name for kind in DESCRIBED]
    if entry is None:
        problems.append(
            Problem(
                source,
                node.place.line,
                node.place.column,
                "the document does not say what it describes",
                "kind",
                f"add `kind:`; {suggestion('', names)}",
            )
        )
        return None
    place = entry.value.place
    if not isinstance(entry.value, Scalar) or entry.value.type is not ScalarType.TEXT:
        problems.append(
            Problem(
                source,
                place.line,
                place.column,
                f"the name of a kind is wanted, and this is {described(entry.value)}",
                "kind",
                suggestion("", names),
            )
        )
        return None
    return _known_kind(source, entry, entry.value.text, problems)


def _known_kind(source: str, entry: Entry, name: str, problems: list[Problem]) -> Kind | None:
    place = entry.value.place
    kind = BY_NAME.get(name)
    if kind is None:
        names = [each.name for each in DESCRIBED]
        problems.append(
            Problem(
                source, place.line, place.column, f"there is no kind `{name[:60]}`", "kind", suggestion(name, names)
            )
        )
        return None
    if kind.refused:
        problems.append(
            Problem(source, place.line, place.column, f"a file cannot describe {kind.name}", "kind", kind.refused)
        )
        return None
    return kind


def _find_doubles(documents: Sequence[Document], problems: list[Problem]) -> None:
    first: dict[tuple[str, str], Document] = {}
    for document in documents:
        if not document.slug:
            continue
        before = first.setdefault((document.kind.name, document.slug), document)
        if before is not document:
            spot, _ = before.spots.find("metadata.name")
            where = f"{before.source}:{spot.place.line}"
            problems.append(
                document.problem(
                    "metadata.name",
                    f"the {document.kind.words} `{document.slug}` is described in {where} already",
                    "keep one of the two",
                )
            )
