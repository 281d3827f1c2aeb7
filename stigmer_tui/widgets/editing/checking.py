"""What is wrong in a text that is to be one resource: the same as `stigmer apply` says. Blocking: the text is parsed in a child with limits."""

from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.documents.sources import Source
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.manifests.reading import Document, read_documents


def read_one(text: str, kind: Kind, slug: str) -> Document:
    """The one document of a text. Raises `ManifestError` where something is wrong, there are others, or it is of another kind.

    `slug`: what it has to be called; empty where it is new.
    """
    documents = read_documents([Source(kind.word, text.encode("utf-8", "surrogatepass"), "yaml")]).documents
    if len(documents) != 1:
        raise ManifestError([Problem(kind.word, 1, 1, f"there are {len(documents)} documents", remedy="edit one")])
    [document] = documents
    named = getattr(document.resource, document.kind.field).metadata.slug
    if document.kind != kind or (slug and named != slug):
        said = f"this describes {document.kind.word}/{document.slug}, not {kind.word}{f'/{slug}' if slug else ''}"
        raise ManifestError([document.problem("metadata.slug", said, "kind and slug stay as they are")])
    return document


def problems_of(text: str, kind: Kind, slug: str) -> tuple[Problem, ...]:
    """What is wrong; nothing where it could be stored, as far as can be told without the server."""
    try:
        read_one(text, kind, slug)
    except ManifestError as error:
        return error.problems
    return ()
