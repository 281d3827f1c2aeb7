"""Which built-in agent is offered first: `assistant` where a model can be asked, else `shell`."""

import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home

if TYPE_CHECKING:
    from stigmer_apis.client import Client

ASSISTANT = "assistant"
SHELL = "shell"
OLLAMA_SECONDS = 1.0
MOST_BYTES = 1 << 20
OK = HTTPStatus.OK


async def model_is_there(client: "Client", home: Home) -> bool:
    """Whether there is a key of a provider, or an Ollama that has a model and answers at once."""
    from stigmer_apis.config import load

    try:
        if await client.secrets.provider_keys():
            return True
        settings = await asyncio.to_thread(load, home)
    except StigmerError:
        return False
    return await asyncio.to_thread(_ollama_has_models, settings.settings.variables.ollama_base_url)


def _ollama_has_models(base_url: str) -> bool:
    """By the plainest request that there is: the library for HTTP takes longer to load than the question takes."""
    url = urlsplit(base_url.removesuffix("/").removesuffix("/v1"))
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "127.0.0.1", url.port, timeout=OLLAMA_SECONDS)
    try:
        connection.request("GET", f"{url.path}/api/tags")
        answer = connection.getresponse()
        told: object = json.loads(answer.read(MOST_BYTES)) if answer.status == OK else None
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(told, dict) and bool(cast(dict[str, object], told).get("models"))


def in_order(slugs: Sequence[str], *, with_model: bool) -> Sequence[str]:
    """`slugs` with the one that is offered first in front."""
    first = ASSISTANT if with_model else SHELL
    return sorted(slugs, key=lambda slug: slug != first)
