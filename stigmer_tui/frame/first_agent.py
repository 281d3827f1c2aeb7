"""Which built-in agent is offered first: `assistant` where a model can be asked, else `shell`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home

if TYPE_CHECKING:
    from stigmer_apis.client import Client

ASSISTANT = "assistant"
SHELL = "shell"


async def model_is_there(client: "Client", home: Home) -> bool:
    """Whether there is a key of a provider, or an Ollama that has a model."""
    from stigmer_apis.config import load
    from stigmer_apis.ollama import Ollama

    try:
        if await client.secrets.provider_keys():
            return True
        return bool(await Ollama(load(home).settings.variables.ollama_base_url).models())
    except StigmerError:
        return False


def in_order(slugs: Sequence[str], *, with_model: bool) -> Sequence[str]:
    """`slugs` with the one that is offered first in front."""
    first = ASSISTANT if with_model else SHELL
    return sorted(slugs, key=lambda slug: slug != first)
