"""One resource from a text: what is wrong in it, before the server and by the server; then stored, never over somebody else's change."""

from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ApplyResourcesResponse
from stigmer_apis.client import Client
from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.documents.sources import Source
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.manifests.reading import Document, read_documents
from stigmer_tui.manifests.refused import plain, refused


class DeletedMeanwhile(Exception):
    """What was edited is not there any more."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a text has to describe."""

    kind: Kind
    resource_id: str = ""
    """Empty where it is new."""
    slug: str = ""
    """What it has to stay called; empty where it is new."""
    source: str = ""
    """How places in it are named; without it, by its kind."""

    @property
    def name(self) -> str:
        """For people: `agent/reviewer`."""
        return f"{self.kind.word}/{self.slug}" if self.slug else self.kind.word


def read_one(text: str | bytes, target: Target) -> Document:
    """The one document of a text. Raises `ManifestError` where something is wrong, there are others, or it describes another one.

    Blocking: the text is parsed in a child with limits.
    """
    source = target.source or target.kind.word
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    documents = read_documents([Source(source, data, "yaml")]).documents
    if len(documents) != 1:
        said = f"there are {len(documents)} documents"
        raise ManifestError([Problem(source, 1, 1, said, remedy="edit one at a time")])
    [document] = documents
    named = getattr(document.resource, document.kind.field).metadata.slug
    if document.kind != target.kind or (target.slug and named != target.slug):
        said = f"this describes {document.kind.word}/{document.slug}, not {target.name}"
        remedy = "kind and slug stay as they are; `stigmer apply` makes another"
        raise ManifestError([document.problem("metadata.slug", said, remedy)])
    return document


def problems_of(text: str, target: Target) -> tuple[Problem, ...]:
    """What is wrong; nothing where it could be stored, as far as can be told without the server. Blocking."""
    try:
        read_one(text, target)
    except ManifestError as error:
        return error.problems
    return ()


async def store(client: Client, document: Document, target: Target, *, dry_run: bool = False) -> str:
    """Store a document; what came of it in a word: `created`, `updated`, `unchanged`. `dry_run`: only what would.

    Raises `ManifestError` with the places of what the server refuses, `Aborted` where somebody else changed it meanwhile, `DeletedMeanwhile`.
    """
    if target.resource_id:
        try:
            await client.resources.get(ApiResourceKind.ValueType(target.kind.number), target.resource_id)
        except NotFound as error:
            raise DeletedMeanwhile(f"the {target.kind.words} {target.slug!r} was deleted meanwhile") from error
    try:
        done = await client.resources.apply([document.resource], dry_run=dry_run)
    except (InvalidArgument, NotFound, FailedPrecondition) as error:
        found = None if isinstance(error, FailedPrecondition) else await refused(client, error, [document])
        raise found or ManifestError([document.problem("", plain(error), error.remedy)]) from error
    return ApplyResourcesResponse.Outcome.Name(done.applied[0].outcome).removeprefix("OUTCOME_").lower()
