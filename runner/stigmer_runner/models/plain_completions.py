"""Completions without the walk through every message that OpenAI's library makes before it sends them.

The library turns each parameter into what goes over the wire by looking at its type: 7 ms for forty messages, more with
each turn, and always with the same result, since nothing in a chat has another name there. That walk alone is left out;
what comes before and after it is the library's.
"""

from collections.abc import Mapping
from typing import cast

from openai import AsyncOpenAI, AsyncStream, NotGiven, Omit
from openai import RequestOptions as Options
from openai.types.chat import ChatCompletionChunk

from stigmer_runner.models.chat import OPTIONS


class PlainCompletions:
    """In place of a client's `chat.completions`. Always streams."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self.last: Mapping[str, object] = {}
        """What was sent last."""

    @staticmethod
    def install(client: AsyncOpenAI) -> "PlainCompletions":
        """Let `client` use it."""
        found = vars(client.chat)["completions"] = PlainCompletions(client)
        return found

    async def create(self, **parameters: object) -> AsyncStream[ChatCompletionChunk]:
        """Send what is given, as it is."""
        given = {name: value for name, value in parameters.items() if not isinstance(value, NotGiven | Omit)}
        self.last = dict(given)
        options = {to: value for name, to in OPTIONS.items() if (value := given.pop(name, None)) is not None}
        return await self._client.post(
            "/chat/completions",
            cast_to=ChatCompletionChunk,
            body=given,
            options=cast(Options, options),
            stream=True,
            stream_cls=AsyncStream[ChatCompletionChunk],
        )
