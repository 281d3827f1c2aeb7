"""A turn in each of the three wire formats: what is sent, event by event. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, cast

from stigmer_runner.models.scripted.script import Fault, FaultKind, ScriptedUsage, Turn

Body: TypeAlias = Mapping[str, object]
"""A request's JSON."""

CREATED: Final = 1_700_000_000
"""Of every answer: time is no part of a script."""


@dataclass(frozen=True)
class Answer:
    """A turn, ready to be sent."""

    turn: Turn
    number: int
    """Of the turn, from 1."""
    model: str
    usage: ScriptedUsage

    def call_id(self, index: int) -> str:
        """The id of a tool call."""
        if self._does(FaultKind.DUPLICATE_IDS):
            return "call_same"
        return self.turn.calls[index].id or f"call_{self.number}_{index + 1}"

    def args(self, index: int) -> str:
        """The arguments of a tool call, as the model writes them."""
        args = self.turn.calls[index].args
        text = args if isinstance(args, str) else json.dumps(args)
        return text.rstrip()[:-1] if self._does(FaultKind.BROKEN_JSON) else text

    def refuses(self) -> bool:
        """Whether it ends in a refusal."""
        return self._does(FaultKind.REFUSAL)

    def _does(self, kind: FaultKind) -> bool:
        return self.turn.fault is not None and self.turn.fault.kind is kind


class Format(Protocol):
    """One provider's wire format."""

    content_type: str
    """Of a stream."""

    def events(self, answer: Answer) -> Iterator[bytes]:
        """The stream, event by event."""
        ...

    def token(self, text: str) -> bytes:
        """One more piece of text, outside of a turn."""
        ...

    def whole(self, answer: Answer) -> Body:
        """The answer to a request that wants no stream."""
        ...

    def ends(self, event: bytes) -> bool:
        """Whether `event` says that the answer is whole."""
        ...

    def error(self, fault: Fault, model: str) -> tuple[int, Body]:
        """HTTP status and body of a fault that is said in place of an answer."""
        ...

    def error_event(self) -> bytes:
        """The event that says that the provider is overloaded."""
        ...


def tokens(text: str) -> list[str]:
    """`text` in pieces such as models send: a word with the space before it. Put together they are `text`."""
    return re.findall(r"\s*\S+|\s+$", text)


def counted(turn: Turn, body: Body) -> ScriptedUsage:
    """What the turn says that it used, what it leaves out counted: one token for a word."""
    said = turn.usage
    return ScriptedUsage(
        input=said.input or len(json.dumps(body).split()),
        output=said.output
        or max(1, len(tokens(turn.text)) * turn.repeat + len(tokens(turn.reasoning)) + 8 * len(turn.calls)),
        cached=said.cached,
        cache_write=said.cache_write,
        reasoning=said.reasoning,
    )


class AnthropicFormat:
    """`/v1/messages`."""

    content_type = "text/event-stream; charset=utf-8"

    def events(self, answer: Answer) -> Iterator[bytes]:
        """As `Format.events`."""
        turn, index = answer.turn, 0
        start = self._message(answer, [], None)
        yield _named("message_start", message=start)
        yield _named("ping")
        if turn.reasoning:
            yield _named(
                "content_block_start", index=index, content_block={"type": "thinking", "thinking": "", "signature": ""}
            )
            for token in tokens(turn.reasoning):
                yield _named("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": token})
            yield _named(
                "content_block_delta", index=index, delta={"type": "signature_delta", "signature": turn.signature}
            )
            yield _named("content_block_stop", index=index)
            index += 1
        if turn.text:
            yield _named("content_block_start", index=index, content_block={"type": "text", "text": ""})
            for token in tokens(turn.text) * turn.repeat:
                yield _named("content_block_delta", index=index, delta={"type": "text_delta", "text": token})
            yield _named("content_block_stop", index=index)
            index += 1
        for number, call in enumerate(turn.calls):
            block: Body = {"type": "tool_use", "id": answer.call_id(number), "name": call.name, "input": {}}
            yield _named("content_block_start", index=index, content_block=block)
            for piece in _pieces(answer.args(number)):
                yield _named(
                    "content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": piece}
                )
            yield _named("content_block_stop", index=index)
            index += 1
        yield _named(
            "message_delta",
            delta={"stop_reason": self._stop(answer), "stop_sequence": None},
            usage={"output_tokens": answer.usage.output},
        )
        yield _named("message_stop")

    def token(self, text: str) -> bytes:
        """As `Format.token`."""
        return _named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def whole(self, answer: Answer) -> Body:
        """As `Format.whole`."""
        turn = answer.turn
        content: list[object] = []
        if turn.reasoning:
            content.append({"type": "thinking", "thinking": turn.reasoning, "signature": turn.signature})
        if turn.text:
            content.append({"type": "text", "text": turn.text * turn.repeat})
        for number, call in enumerate(turn.calls):
            content.append(
                {
                    "type": "tool_use",
                    "id": answer.call_id(number),
                    "name": call.name,
                    "input": _lenient(answer.args(number)),
                }
            )
        return self._message(answer, content, self._stop(answer))

    def ends(self, event: bytes) -> bool:
        """As `Format.ends`."""
        return event.startswith((b"event: message_delta", b"event: message_stop"))

    def error(self, fault: Fault, model: str) -> tuple[int, Body]:
        """As `Format.error`."""
        status, kind, message = {
            FaultKind.OVERFLOW: (400, "invalid_request_error", "prompt is too long: 205000 tokens > 200000 maximum"),
            FaultKind.UNKNOWN_MODEL: (404, "not_found_error", f"model: {model}"),
            FaultKind.BLIND: (
                400,
                "invalid_request_error",
                "messages.0.content.1: image input is not supported by this model",
            ),
        }.get(fault.kind, (fault.status, _ANTHROPIC_KINDS.get(fault.status, "api_error"), "scripted failure"))
        return status, {"type": "error", "error": {"type": kind, "message": fault.message or message}}

    def error_event(self) -> bytes:
        """As `Format.error_event`."""
        return _named("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def _message(self, answer: Answer, content: Sequence[object], stop: str | None) -> Body:
        used = answer.usage
        return {
            "id": f"msg_{answer.number}",
            "type": "message",
            "role": "assistant",
            "content": content,
            "model": answer.model,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": max(0, used.input - used.cached - used.cache_write),
                "cache_read_input_tokens": used.cached,
                "cache_creation_input_tokens": used.cache_write,
                "output_tokens": used.output if stop else 1,
            },
        }

    def _stop(self, answer: Answer) -> str:
        if answer.refuses():
            return "refusal"
        if answer.turn.cut_short:
            return "max_tokens"
        return "tool_use" if answer.turn.calls else "end_turn"


_ANTHROPIC_KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class OpenAIFormat:
    """`/v1/chat/completions`, which Ollama and many others speak too."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, reasoning_field: str = "reasoning") -> None:
        self._reasoning = reasoning_field

    def events(self, answer: Answer) -> Iterator[bytes]:
        """As `Format.events`."""
        turn = answer.turn
        yield self._chunk(answer, {"role": "assistant", "content": ""})
        for token in tokens(turn.reasoning):
            yield self._chunk(answer, {self._reasoning: token})
        for token in tokens(turn.text) * turn.repeat:
            yield self._chunk(answer, {"content": token})
        for number, call in enumerate(turn.calls):
            function = {"name": call.name, "arguments": ""}
            first = {"index": number, "id": answer.call_id(number), "type": "function", "function": function}
            yield self._chunk(answer, {"tool_calls": [first]})
            for piece in _pieces(answer.args(number)):
                yield self._chunk(answer, {"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
        if answer.refuses():
            yield self._chunk(answer, {"refusal": "I cannot help with that."})
        yield self._chunk(answer, {}, self._finish(answer))
        yield _data({**self._head(answer), "choices": [], "usage": self._usage(answer)})
        yield b"data: [DONE]\n\n"

    def token(self, text: str) -> bytes:
        """As `Format.token`."""
        head = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": CREATED, "model": "scripted"}
        return _data({**head, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})

    def whole(self, answer: Answer) -> Body:
        """As `Format.whole`."""
        turn = answer.turn
        message: dict[str, object] = {"role": "assistant", "content": turn.text * turn.repeat or None}
        if turn.reasoning:
            message[self._reasoning] = turn.reasoning
        if turn.calls:
            message["tool_calls"] = [
                {
                    "id": answer.call_id(number),
                    "type": "function",
                    "function": {"name": call.name, "arguments": answer.args(number)},
                }
                for number, call in enumerate(turn.calls)
            ]
        if answer.refuses():
            message["refusal"] = "I cannot help with that."
        choice = {"index": 0, "message": message, "finish_reason": self._finish(answer)}
        head = {**self._head(answer), "object": "chat.completion"}
        return {**head, "choices": [choice], "usage": self._usage(answer)}

    def ends(self, event: bytes) -> bool:
        """As `Format.ends`."""
        return event == b"data: [DONE]\n\n" or b'"finish_reason": "' in event or b'"choices": []' in event

    def error(self, fault: Fault, model: str) -> tuple[int, Body]:
        """As `Format.error`."""
        status, kind, code, message = {
            FaultKind.OVERFLOW: (
                400,
                "invalid_request_error",
                "context_length_exceeded",
                "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
            ),
            FaultKind.UNKNOWN_MODEL: (
                404,
                "invalid_request_error",
                "model_not_found",
                f"The model `{model}` does not exist or you do not have access to it.",
            ),
            FaultKind.BLIND: (
                400,
                "invalid_request_error",
                None,
                "Invalid content type. image_url is only supported by certain models.",
            ),
        }.get(fault.kind, (fault.status, _OPENAI_KINDS.get(fault.status, "server_error"), None, "scripted failure"))
        return status, {"error": {"message": fault.message or message, "type": kind, "param": None, "code": code}}

    def error_event(self) -> bytes:
        """As `Format.error_event`."""
        return _data({"error": {"message": "The server is overloaded", "type": "server_error", "code": None}})

    def _chunk(self, answer: Answer, delta: Body, finish: str | None = None) -> bytes:
        return _data({**self._head(answer), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def _head(self, answer: Answer) -> Body:
        return {
            "id": f"chatcmpl-{answer.number}",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": answer.model,
        }

    def _usage(self, answer: Answer) -> Body:
        used = answer.usage
        return {
            "prompt_tokens": used.input,
            "completion_tokens": used.output,
            "total_tokens": used.input + used.output,
            "prompt_tokens_details": {"cached_tokens": used.cached},
            "completion_tokens_details": {"reasoning_tokens": used.reasoning},
        }

    def _finish(self, answer: Answer) -> str:
        if answer.refuses():
            return "content_filter"
        if answer.turn.cut_short:
            return "length"
        return "tool_calls" if answer.turn.calls else "stop"


_OPENAI_KINDS: Final = {401: "invalid_request_error", 429: "rate_limit_exceeded"}


class OllamaFormat:
    """`/api/chat`: one JSON object a line."""

    content_type = "application/x-ndjson"

    def events(self, answer: Answer) -> Iterator[bytes]:
        """As `Format.events`."""
        turn = answer.turn
        for token in tokens(turn.reasoning):
            yield self._line(answer, {"role": "assistant", "content": "", "thinking": token})
        for token in tokens(turn.text) * turn.repeat:
            yield self._line(answer, {"role": "assistant", "content": token})
        if turn.calls:
            yield self._line(answer, {"role": "assistant", "content": "", "tool_calls": self._calls(answer)})
        yield _line(self._last(answer, {"role": "assistant", "content": ""}))

    def token(self, text: str) -> bytes:
        """As `Format.token`."""
        return _line({"model": "scripted", "message": {"role": "assistant", "content": text}, "done": False})

    def whole(self, answer: Answer) -> Body:
        """As `Format.whole`."""
        turn = answer.turn
        message: dict[str, object] = {"role": "assistant", "content": turn.text * turn.repeat}
        if turn.reasoning:
            message["thinking"] = turn.reasoning
        if turn.calls:
            message["tool_calls"] = self._calls(answer)
        return self._last(answer, message)

    def ends(self, event: bytes) -> bool:
        """As `Format.ends`."""
        return b'"done": true' in event

    def error(self, fault: Fault, model: str) -> tuple[int, Body]:
        """As `Format.error`."""
        status, message = {
            FaultKind.OVERFLOW: (400, "the prompt exceeds the context length of the model"),
            FaultKind.UNKNOWN_MODEL: (404, f"model '{model}' not found, try pulling it first"),
            FaultKind.BLIND: (400, "this model does not support images"),
        }.get(fault.kind, (fault.status, "scripted failure"))
        return status, {"error": fault.message or message}

    def error_event(self) -> bytes:
        """As `Format.error_event`."""
        return _line({"error": "the server is overloaded"})

    def _calls(self, answer: Answer) -> list[Body]:
        return [
            {"function": {"name": call.name, "arguments": _lenient(answer.args(number))}}
            for number, call in enumerate(answer.turn.calls)
        ]

    def _line(self, answer: Answer, message: Body) -> bytes:
        return _line({"model": answer.model, "created_at": "2023-11-14T22:13:20Z", "message": message, "done": False})

    def _last(self, answer: Answer, message: Body) -> Body:
        return {
            "model": answer.model,
            "created_at": "2023-11-14T22:13:20Z",
            "message": message,
            "done": True,
            "done_reason": "length" if answer.turn.cut_short else "stop",
            "prompt_eval_count": answer.usage.input,
            "eval_count": answer.usage.output,
        }


def _named(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _data(value: Body) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _line(value: Body) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _pieces(text: str, shortest: int = 12, most: int = 20_000) -> Iterator[str]:
    """`text` in pieces such as models send; in longer ones where there would be more than `most` of them."""
    size = max(shortest, len(text) // most)
    return (text[start : start + size] for start in range(0, len(text), size))


def _lenient(text: str) -> object:
    """The JSON in `text`; an object that holds the text where there is none, for formats that cannot say that."""
    try:
        return cast(object, json.loads(text))
    except ValueError:
        return {"broken": text}
