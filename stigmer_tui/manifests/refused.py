"""What the server refused of a set of documents, said at its places in their files."""

import re
from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.errors import FieldViolation, InvalidArgument, NotFound, StigmerError
from stigmer_tui.manifests.reading import Document
from stigmer_tui.manifests.references import Reference, references

_NAMED = re.compile(r"resources\[([0-9]+)\](?:\.[a-z_]+)?: ")
"""How the server begins what it says about one of several resources."""


_KEY = re.compile(r"\[([^\]'\"]*[^\]'\"0-9][^\]]*)\]")
"""A key of a map in a path that has no quotes."""


def plain(error: StigmerError) -> str:
    """What the server said, without the number of the resource in the request."""
    return _NAMED.sub("", error.message, count=1)


async def refused(client: Client, error: StigmerError, documents: Sequence[Document]) -> ManifestError | None:
    """What is wrong, with places; None where the server names none of the documents.

    It names fields as `resources[3].agent.spec.model`. Of a reference to nowhere it may name the document alone; then each reference is asked for.
    """
    if not isinstance(error, InvalidArgument):
        named = _NAMED.match(error.message)
        if named is None or int(named[1]) >= len(documents):
            return None
        nowhere = [one for each in documents for one in await _nowhere(client, each, documents)]
        if isinstance(error, NotFound) and nowhere:
            return ManifestError(nowhere)
        return ManifestError([documents[int(named[1])].problem("metadata", plain(error), error.remedy)])
    problems: list[Problem] = []
    looked: set[int] = set()
    for violation in error.violations:
        place = _place(violation, len(documents))
        if place is None:
            return None
        position, path = place
        document = documents[position]
        path = _KEY.sub(r"['\1']", path.removeprefix(document.kind.field).lstrip("."))
        found = [] if path or position in looked else await _nowhere(client, document, documents)
        looked.add(position)
        problems.extend(found or [document.problem(path, violation.message or error.message)])
    return ManifestError(problems) if problems else None


def _place(violation: FieldViolation, count: int) -> tuple[int, str] | None:
    """Which document, and which field of it."""
    head, _, path = violation.field.partition(".")
    position = head.removeprefix("resources[").removesuffix("]")
    return (int(position), path) if position.isdecimal() and int(position) < count else None


async def _nowhere(client: Client, document: Document, documents: Sequence[Document]) -> list[Problem]:
    """The references of `document` that point nowhere: neither to another of the documents nor to what is stored."""
    described = {(each.kind.name, each.slug) for each in documents}
    return [
        document.problem(
            each.path,
            f"there is no {each.kind.words} `{each.name}`, here or stored",
            f"describe it as well, or name one of `stigmer get {each.kind.plural}`",
        )
        for each in references(document)
        if (each.kind.name, each.name) not in described and not await _is_stored(client, each)
    ]


async def _is_stored(client: Client, reference: Reference) -> bool:
    try:
        await client.resources.get(ApiResourceKind.ValueType(reference.kind.number), reference.name)
    except NotFound:
        return False
    return True
