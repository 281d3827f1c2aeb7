"""Answers of `/chat/completions` without the library's objects: a fifth of its time, for what nearly every turn says.

Nothing is known here of how a model wants to be asked: the library's request is the pattern. The first one of a kind (model,
whether there are instructions, tools, settings) is the library's, and where the conversation in it is what it is made of here too, later ones of that
kind are like it but for their conversation. Pictures and reasoning that goes back are left to the library, and so is an answer that is
a refusal, or begins with anything but plain text and calls: the library gets what came.
"""

import hashlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

import httpx2

from stigmer_runner.models.port import AssistantMessage, JsonObject, ModelRequest, ToolMessage, Usage, UserMessage
from stigmer_runner.models.wire import CALL_HEADER, Call, Wire

_KEPT: Final = 64
OPTIONS: Final = {
    "extra_headers": "headers",
    "extra_query": "params",
    "extra_body": "extra_json",
    "timeout": "timeout",
}
"""Parameters of the library that are none of the request's body, and what `AsyncOpenAI.post` calls them."""
_REASONING: Final = ("reasoning", "reasoning_content")
_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_KIND: TypeAlias = tuple[object, ...]


@dataclass
class RawCall:
    """A tool call as it came."""

    id: str
    name: str
    arguments: str


@dataclass
class ChatAnswer:
    """What came, beside the text that was given away."""

    calls: dict[int, RawCall] = field(default_factory=dict[int, RawCall])
    """By the provider's index."""
    finish: str = ""
    refusal: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)


class Chats:
    """Of one provider at one address."""

    def __init__(self, provider: str, url: str, wire: Wire) -> None:
        self._provider = provider
        self._url = httpx2.URL(f"{url}/chat/completions")
        self._wire = wire
        self._patterns: dict[_KIND, tuple[object, bytes | None]] = {}
        """By kind: what keeps its identities, and the request up to its conversation; None where the library makes them."""

    def pattern(self, request: ModelRequest) -> bytes | None:
        """What `request` is to be made of; None where the library has to send it."""
        known = self._patterns.get(_kind(request))
        return known[1] if known is not None else None

    def learn(self, request: ModelRequest, sent: Mapping[str, object], call: Call) -> None:
        """The library sent `request`, with these parameters where they are of this `call`."""
        if _object(sent.get("extra_headers")).get(CALL_HEADER) != call.name:
            return
        if len(self._patterns) > _KEPT:
            self._patterns.clear()
        kind, messages = _kind(request), conversation(request)
        if messages is None or kind in self._patterns or not any(isinstance(m, ToolMessage) for m in request.messages):
            return  # says too little about others of its kind
        body = {name: value for name, value in sent.items() if name not in OPTIONS and name != "messages"}
        alike = sent.get("messages") == messages and not sent.get("extra_body") and not sent.get("extra_query")
        start = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        self._patterns[kind] = request.tools, start if alike else None

    async def ask(self, pattern: bytes, messages: Sequence[JsonObject], call: Call) -> "AsyncIterator[bytes] | None":
        """The events of the answer; None where the library has to read it, to which `call` hands it over."""
        said = json.dumps(messages, ensure_ascii=False).encode("utf-8", "surrogatepass")
        request = httpx2.Request(
            "POST",
            self._url,
            headers={"accept": "application/json", "content-type": "application/json", CALL_HEADER: call.name},
            content=b'%b, "messages": %b}' % (pattern[:-1], said),
        )
        response = await self._wire.handle_async_request(request)
        if response.status_code != 200:
            call.answered = response
            return None
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        events = aiter(response.stream)
        first: list[bytes] = []
        plain = None
        while plain is None:
            event = await anext(events, None)
            if event is None:
                break
            first.append(event)
            plain = _begins_plainly(event)
        replayed = _Replayed(first, events, response.stream)
        if plain:
            return aiter(replayed)
        call.answered = httpx2.Response(200, headers=response.headers, stream=replayed, extensions=response.extensions)
        return None

    async def texts(self, model: str, events: AsyncIterator[bytes], answer: ChatAnswer) -> AsyncGenerator[str, None]:
        """The text of an answer, in pieces; the rest of it is put into `answer`. Raises what the library raises."""
        from openai import APIError
        from pydantic_ai.models.openai._errors import map_api_errors

        with map_api_errors(model, self._provider):
            async for event in events:
                body = _body(event)
                if body is None:
                    continue
                if error := body.get("error"):
                    words = _text(_object(error).get("message")) or "An error occurred during streaming"
                    raise APIError(words, httpx2.Request("POST", self._url), body=error)
                if text := _taken(body, answer):
                    yield text


class _Replayed(httpx2.AsyncByteStream):
    """An answer whose first events were read already."""

    def __init__(self, first: Sequence[bytes], rest: AsyncIterator[bytes], stream: httpx2.AsyncByteStream) -> None:
        self._first = first
        self._rest = rest
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            for event in self._first:
                yield event
            async for event in self._rest:
                yield event
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        await self._stream.aclose()


def conversation(request: ModelRequest) -> list[JsonObject] | None:
    """The messages as these completions take them; None where something is in them that the library alone knows how to say."""
    made: list[JsonObject] = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        match message:
            case UserMessage(text, ()) if text:
                made.append({"role": "user", "content": text})
            case AssistantMessage(text, ()) if text or message.tool_calls:
                if any(call.error for call in message.tool_calls):
                    return None
                made.append(_assistant(message))
            case ToolMessage(images=()):
                said = _compact({"error": message.text}) if message.is_error else message.text
                made.append({"role": "tool", "tool_call_id": sent_id(message.call_id), "content": said})
            case _:
                return None
    return made


def _assistant(message: AssistantMessage) -> JsonObject:
    said: dict[str, object] = {"role": "assistant", "content": message.text or None}
    if message.tool_calls:
        said["tool_calls"] = [
            {
                "id": sent_id(call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": _compact(call.arguments())},
            }
            for call in message.tool_calls
        ]
    return said


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sent_id(call_id: str) -> str:
    """An id that every provider takes: the call's own where it can be, as after a change of provider it may not."""
    if _ID.fullmatch(call_id):
        return call_id
    return "call_" + hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _kind(request: ModelRequest) -> _KIND:
    return request.model, bool(request.system), request.settings, *(id(tool) for tool in request.tools)


def _body(event: bytes) -> dict[str, object] | None:
    """The JSON object of an event, None where it has none. What is none was refused before."""
    start = event.find(b"data:")
    payload = event[start + 5 :].strip() if start >= 0 else b""
    if not payload or payload == b"[DONE]":
        return None
    value: object = json.loads(payload if b"\n" not in payload else payload.replace(b"\ndata:", b"\n"))
    return cast(dict[str, object], value) if isinstance(value, dict) else None


def _begins_plainly(event: bytes) -> bool | None:
    """Whether an answer that says this first is plain; None where it says nothing yet."""
    body = _body(event)
    if body is None:
        return None
    if "error" in body:
        return False
    delta, choice = _delta(body)
    if any(delta.get(name) for name in (*_REASONING, "refusal")):
        return False
    text = delta.get("content")
    if isinstance(text, str) and text:
        return not text[0].isspace() and text[0] != "<"
    if delta.get("tool_calls"):
        return True
    return False if choice.get("finish_reason") else None


def _delta(body: JsonObject) -> tuple[JsonObject, JsonObject]:
    """What an event adds, and the choice that it is of; both empty where there is none."""
    choices = body.get("choices")
    choice = _object(cast(list[object], choices)[0]) if isinstance(choices, list) and choices else _object(None)
    return _object(choice.get("delta")), choice


def _taken(body: JsonObject, answer: ChatAnswer) -> str:
    """Take what an event says; its text."""
    if isinstance(name := body.get("model"), str) and name:
        answer.model = name
    if isinstance(used := body.get("usage"), dict):
        answer.usage = _usage(cast(JsonObject, used))
    delta, choice = _delta(body)
    if isinstance(finish := choice.get("finish_reason"), str) and finish:
        answer.finish = finish
    if isinstance(refused := delta.get("refusal"), str):
        answer.refusal += refused
    calls = delta.get("tool_calls")
    for each in cast(list[object], calls) if isinstance(calls, list) else ():
        _take_call(_object(each), answer.calls)
    text = delta.get("content")
    return text if isinstance(text, str) else ""


def _take_call(said: JsonObject, calls: dict[int, RawCall]) -> None:
    index = said.get("index")
    call = calls.setdefault(index if isinstance(index, int) else len(calls), RawCall("", "", ""))
    function = _object(said.get("function"))
    call.id = call.id or _text(said.get("id"))
    call.name += _text(function.get("name"))
    arguments = function.get("arguments")
    call.arguments += json.dumps(arguments) if isinstance(arguments, dict) else _text(arguments)


def _usage(used: JsonObject) -> Usage:
    read = _object(used.get("prompt_tokens_details"))
    wrote = _object(used.get("completion_tokens_details"))
    return Usage(
        input_tokens=_count(used.get("prompt_tokens")),
        output_tokens=_count(used.get("completion_tokens")),
        cached_input_tokens=_count(read.get("cached_tokens")),
        reasoning_tokens=_count(wrote.get("reasoning_tokens")),
    )


def _object(value: object) -> JsonObject:
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
