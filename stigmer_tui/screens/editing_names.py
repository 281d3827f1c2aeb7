"""Names that can be written in a document and that only the server, the settings or Ollama know. Kept for a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.completion.document_place import Place
from stigmer_tui.manifests.kinds import AGENT, ENVIRONMENT, MCP_SERVER, Kind
from stigmer_tui.manifests.offers import Names, Word, offered

if TYPE_CHECKING:
    from stigmer_apis.client import Client

KEPT_SECONDS = 10.0
MOST = 1000
_LONGEST = 120
_SHELL = "shell"
"""In place of a model: lines are run as they are."""


class KnownNames:
    """What can be written at a place of a document of one kind. Where the server cannot be asked, what is known without it."""

    def __init__(self, kind: Kind, home: Home, client: "Callable[[], Awaitable[Client]]") -> None:
        """`home`: whose settings say where Ollama answers."""
        self._kind = kind
        self._home = home
        self._client = client
        self._kept: dict[tuple[Names, Kind | None], tuple[float, Sequence[Word]]] = {}

    async def offers(self, place: Place) -> Sequence[Word]:
        """Everything that fits."""
        found = offered(self._kind, place)
        if found.names is None:
            return found.words
        return (*found.words, *await self._named(found.names, found.kind))

    async def _named(self, names: Names, kind: Kind | None) -> Sequence[Word]:
        at, known = self._kept.get((names, kind), (0.0, ()))
        if at and time.monotonic() - at < KEPT_SECONDS:
            return known
        try:
            known = await self._ask(await self._client(), names, kind)
        except StigmerError:
            known = ()  # the frame says what stands between this and the server; writing goes on
        self._kept[names, kind] = time.monotonic(), known
        return known

    async def _ask(self, client: "Client", names: Names, kind: Kind | None) -> Sequence[Word]:
        follows = ": " if names is Names.VARIABLE else ""
        words: dict[str, str] = {}
        match names:
            case Names.MODEL:
                for each in await _listed(client, AGENT):
                    if each.agent.spec.model not in ("", _SHELL):
                        words.setdefault(each.agent.spec.model, f"{each.agent.metadata.slug} has it")
                words |= await _local_models(self._home)
            case Names.TOOL:
                for each in await _listed(client, MCP_SERVER):
                    tools = each.mcp_server.spec.default_enabled_tools
                    words |= dict.fromkeys(tools, f"of {each.mcp_server.metadata.slug}")
            case Names.VARIABLE:
                follows = ":\n"
                for each in await _listed(client, ENVIRONMENT):
                    for name, value in each.environment.spec.data.items():
                        what = "a secret" if value.is_secret else "a value"
                        words.setdefault(name, f"{what} in {each.environment.metadata.slug}")
            case Names.RESOURCE:
                for each in await _listed(client, kind or AGENT):
                    message = getattr(each, (kind or AGENT).field)
                    words[message.metadata.slug or message.metadata.id] = _about(message.spec)
        return [Word(name, text, follows) for name, text in words.items()]


def _about(spec: object) -> str:
    return str(getattr(spec, "description", "") or getattr(spec, "subject", "")).strip()[:_LONGEST]


async def _listed(client: "Client", kind: Kind) -> Sequence[Resource]:
    return (await client.resources.list(ApiResourceKind.ValueType(kind.number), page_size=MOST)).resources


async def _local_models(home: Home) -> dict[str, str]:
    """Those of an Ollama on this machine, if there is one."""
    from stigmer_apis.config import load
    from stigmer_apis.ollama import Ollama

    settings = await asyncio.to_thread(lambda: load(home).settings)
    try:
        found = await Ollama(settings.variables.ollama_base_url).models()
    except StigmerError:
        return {}
    return {f"ollama/{each.name}": "here, in Ollama" for each in found}
