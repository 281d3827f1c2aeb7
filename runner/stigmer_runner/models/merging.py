"""Server-sent events of a model's answer, with neighbours that only carry text made into one.

A provider's library costs 50 to 150 microseconds for each event, whatever it carries, and a fast provider sends
thousands of them a second. Events that arrived together and differ in nothing but the text that they add are one event
with all of their text: the library, and everything after it, then works by the network's read instead of by the token.
What is not recognised passes untouched, byte for byte; nothing waits for what has not arrived.

Pure: bytes in, bytes out.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

_Object: TypeAlias = dict[str, object]

_OPENAI_TEXTS: Final = ("content", "reasoning", "reasoning_content")
"""Fields of a `delta` of `/v1/chat/completions` that add text."""
_ANTHROPIC_TEXTS: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
}
"""Fields of a `delta` of `/v1/messages` that add text, by the delta's type."""
_PADDING: Final = ("obfuscation", "created")
"""Fields that differ from event to event and say nothing about the text."""


class NoAnswer(Exception):
    """What came is no stream of events with JSON in them; the text says what was wrong, without quoting it at length."""


class TooLarge(NoAnswer):
    """One event is larger than any may be."""


@dataclass
class _Run:
    """Events in a row that differ in their text alone."""

    prefix: bytes
    """Of each event, up to its text."""
    suffix: bytes
    """Of each event, from its text on."""
    texts: list[bytes]
    """As the insides of JSON strings."""
    frame: _Object
    """The event without its text, and without padding."""

    def event(self) -> bytes:
        return b"".join((self.prefix, *self.texts, self.suffix))


class EventMerger:
    """Takes what arrives of one answer, gives back whole events."""

    def __init__(self, largest: int) -> None:
        """`largest`: bytes of one event, above which the stream is given up with TooLarge."""
        self._largest = largest
        self._buffer = bytearray()
        self._searched = 0
        self.finished = False
        """Whether the provider said that the answer is whole."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole events from `data` and what came before it.

        Raises NoAnswer at the first event that is none, after the good ones before it were given.
        """
        self._buffer += data
        events = self._cut()
        run: _Run | None = None
        for event in events:
            text = _text_like(run, event) if run is not None else None
            if run is not None and text is not None:
                run.texts.append(text)
                continue
            try:
                fresh = self._read(event)
            except NoAnswer:
                if run is not None:
                    yield run.event()
                raise
            if run is not None and fresh is not None and fresh.frame == run.frame:
                run.texts += fresh.texts
                run.prefix, run.suffix = fresh.prefix, fresh.suffix
                continue
            if run is not None:
                yield run.event()
            run = fresh
            if fresh is None:
                yield event
        if run is not None:
            yield run.event()
        if len(self._buffer) > self._largest:
            raise TooLarge(f"one event of the answer is larger than {self._largest // (1024 * 1024)} MiB")

    def rest(self) -> bytes:
        """What came after the last whole event, once nothing more will."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _cut(self) -> list[bytes]:
        """Whole events, their blank line included; what is left stays in the buffer."""
        buffer = self._buffer
        start = max(0, self._searched - 3)
        if b"\r" not in buffer:
            end = buffer.rfind(b"\n\n", start)
            if end < 0:
                self._searched = len(buffer)
                return []
            whole = bytes(buffer[: end + 2])
            del buffer[: end + 2]
            self._searched = 0
            return [part + b"\n\n" for part in whole[:-2].split(b"\n\n")]
        found = list(re.finditer(rb"\r\n\r\n|\n\n|\r\r", buffer))
        if not found:
            return []
        events: list[bytes] = []
        begin = 0
        for match in found:
            events.append(bytes(buffer[begin : match.end()]))
            begin = match.end()
        del buffer[:begin]
        return events

    def _read(self, event: bytes) -> _Run | None:
        """The run that `event` may begin; None where it is not one that only carries text."""
        if len(event) > self._largest:
            raise TooLarge(f"one event of the answer is larger than {self._largest // (1024 * 1024)} MiB")
        start = event.find(b"data:")
        if start < 0 or (start > 0 and event[start - 1 : start] not in (b"\n", b"\r")):
            return None
        payload = event[start + 5 :].strip()
        if payload == b"[DONE]":
            self.finished = True
            return None
        if b"\n" in payload or b"\r" in payload:
            return None
        try:
            value: object = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise NoAnswer("an event of the answer is not JSON") from error
        if not isinstance(value, dict):
            raise NoAnswer("an event of the answer is no JSON object")
        body = cast(_Object, value)
        if _ends(body):
            self.finished = True
        return _run(event, body)


def _text_like(run: _Run, event: bytes) -> bytes | None:
    """The text of `event`, as the inside of a JSON string, where all else is as in `run`."""
    prefix, suffix = run.prefix, run.suffix
    if not event.startswith(prefix) or not event.endswith(suffix) or len(event) < len(prefix) + len(suffix):
        return None
    text = event[len(prefix) : len(event) - len(suffix)]
    if b'"' in text or b"\n" in text or text.endswith(b"\\"):
        return None
    return text


def _ends(body: _Object) -> bool:
    """Whether the event says that the answer is whole."""
    if body.get("type") == "message_stop":
        return True
    choice = _first_choice(body)
    return choice is not None and bool(choice.get("finish_reason"))


def _first_choice(body: _Object) -> _Object | None:
    choices = body.get("choices")
    if not isinstance(choices, list) or len(cast(list[object], choices)) != 1:
        return None
    choice = cast(list[object], choices)[0]
    return cast(_Object, choice) if isinstance(choice, dict) else None


def _run(event: bytes, body: _Object) -> _Run | None:
    place = _openai_place(body) or _anthropic_place(body)
    if place is None:
        return None
    holder, field = place
    text = holder[field]
    if not isinstance(text, str) or not text:
        return None
    pattern = rb'(?<!\\)"' + field.encode() + rb'"\s*:\s*"((?:[^"\\]|\\.)*)"'
    matches = list(re.finditer(pattern, event))
    if len(matches) != 1 or json.loads(b'"' + matches[0].group(1) + b'"') != text:
        return None
    begin, end = matches[0].span(1)
    holder[field] = None
    for name in _PADDING:
        body.pop(name, None)
    return _Run(event[:begin], event[end:], [event[begin:end]], body)


def _openai_place(body: _Object) -> tuple[_Object, str] | None:
    choice = _first_choice(body)
    if choice is None or choice.get("finish_reason") or body.get("usage"):
        return None
    found = choice.get("delta")
    if not isinstance(found, dict):
        return None
    delta = cast(_Object, found)
    calls = delta.get("tool_calls")
    if isinstance(calls, list):
        return _arguments_place(cast(list[object], calls))
    texts = [name for name in _OPENAI_TEXTS if delta.get(name)]
    return (delta, texts[0]) if len(texts) == 1 else None


def _arguments_place(calls: list[object]) -> tuple[_Object, str] | None:
    """Where one call's arguments go on: its name and id came before."""
    if len(calls) != 1 or not isinstance(calls[0], dict):
        return None
    call = cast(_Object, calls[0])
    function = call.get("function")
    if not isinstance(function, dict) or call.get("id"):
        return None
    named = cast(_Object, function)
    return None if named.get("name") else (named, "arguments") if "arguments" in named else None


def _anthropic_place(body: _Object) -> tuple[_Object, str] | None:
    if body.get("type") != "content_block_delta":
        return None
    found = body.get("delta")
    if not isinstance(found, dict):
        return None
    delta = cast(_Object, found)
    field = _ANTHROPIC_TEXTS.get(str(delta.get("type")))
    return (delta, field) if field is not None and field in delta else None
