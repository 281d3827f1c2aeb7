"""What a running daemon knows by name, for a shell that completes."""

import asyncio

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_apis.client.options import ClientOptions
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.manifests.kinds import AGENT_EXECUTION, Kind
from stigmer_tui.text import safe

MOST = 200
PATIENCE_SECONDS = 1.5
"""A person waits for the answer with a finger on the key."""


def known_names(kind: Kind) -> list[tuple[str, str]]:
    """Names (ids for executions) with a word about each, newest first; nothing where no daemon answers at once."""

    async def ask() -> list[tuple[str, str]]:
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            Client(Home.from_environment(), start_daemon=False, options=ClientOptions(patience=0)) as client,
        ):
            if kind is AGENT_EXECUTION:
                page = await client.list_executions(page_size=MOST)
                return [(row.execution_id, safe(row.subject)) for row in page.executions]
            listed = await client.resources.list(ApiResourceKind.ValueType(kind.number), page_size=MOST)
            found = [getattr(resource, kind.field) for resource in listed.resources]
            return [(safe(each.metadata.slug), safe(getattr(each.spec, "description", ""))) for each in found]

    try:
        return asyncio.run(ask())
    except (StigmerError, TimeoutError):
        return []
