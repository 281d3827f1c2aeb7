"""Text as documents, or as the lines of everything that is wrong with it."""

from stigmer_apis.documents.problems import ManifestError
from stigmer_apis.documents.sources import Source
from stigmer_tui.manifests.reading import Document, read_documents


def documents(text: str | bytes, form: str = "yaml") -> list[Document]:
    """The documents of a file."""
    data = text.encode() if isinstance(text, str) else text
    return list(read_documents([Source("f.yaml", data, form)]).documents)


def complaints(text: str | bytes, form: str = "yaml") -> list[str]:
    """What is said about a file, one thing a line; nothing where it is right."""
    try:
        documents(text, form)
    except ManifestError as error:
        return [str(problem) for problem in error.problems]
    return []
