"""What leaves the library's walk out sends the same bytes."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from openai import AsyncOpenAI, AsyncStream, omit
from openai.types.chat import ChatCompletionChunk

from stigmer_runner.models.plain_completions import PlainCompletions
from stigmer_runner.models.scripted import Script, ScriptedProvider, Turn

Create: TypeAlias = Callable[..., Awaitable[AsyncStream[ChatCompletionChunk]]]

PARAMETERS: dict[str, object] = {
    "model": "scripted",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "é"}, {"type": "image_url", "image_url": {"url": "data:,"}}],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning": "hm",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "shell", "arguments": '{"x": 1}'}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "done"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "shell", "description": "Runs.", "parameters": {"type": "object"}, "strict": False},
        }
    ],
    "tool_choice": "auto",
    "temperature": 0.5,
    "max_tokens": omit,
    "stream": True,
    "stream_options": {"include_usage": True},
    "extra_headers": {"x-mine": "1"},
    "extra_body": {"think": False},
    "timeout": 30.0,
}


async def test_the_same_request_and_the_same_answer() -> None:
    answers: list[str] = []
    async with ScriptedProvider(Script.of(Turn("one two three"))) as provider:
        for plain in (False, True):
            client = AsyncOpenAI(api_key="k", base_url=f"{provider.url}/v1", max_retries=0)
            if plain:
                PlainCompletions.install(client)
            create = cast(Create, client.chat.completions.create)
            stream = await create(**PARAMETERS)
            answers.append("".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]))
            await client.close()
    theirs, ours = provider.requests
    assert ours.body == theirs.body
    assert (ours.method, ours.path) == (theirs.method, theirs.path)
    assert ours.headers["x-mine"] == "1"
    assert ours.headers["content-length"] == theirs.headers["content-length"]
    assert answers == ["one two three"] * 2
