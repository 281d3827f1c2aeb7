"""Secrets that a file declares without their value keep the value that is stored: a file may be applied again and again, and holds none.

An update replaces a spec whole; what a server gave as the mask is kept where the mask is sent back.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from stigmer_apis.client import Client
from stigmer_apis.errors import NotFound
from stigmer_tui.cli.resources import number
from stigmer_tui.manifests.reading import Document


async def keep_stored_secrets(client: Client, documents: Sequence[Document]) -> None:
    """Fill in the mask for each secret without a value that has one in the store."""
    for document in documents:
        bare = [
            (key, value) for key, value in _values(document.resource, document) if value.is_secret and not value.value
        ]
        if not bare:
            continue
        try:
            stored = await client.resources.get(number(document.kind), document.slug)
        except NotFound:
            continue
        there = dict(_values(stored, document))
        for key, value in bare:
            if key in there and there[key].is_secret:
                value.value = there[key].value


def _values(resource: Any, document: Document) -> Iterator[tuple[str, Any]]:
    """The values of an environment, or of what an agent, a workflow or an MCP server asks for."""
    spec = getattr(resource, document.kind.field).spec
    if hasattr(spec, "env_spec"):
        yield from spec.env_spec.data.items()
    elif document.kind.field == "environment":
        yield from spec.data.items()
