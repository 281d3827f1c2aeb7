"""Merged events say what the events said, however the network cut them."""

import itertools
import json
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_runner.models.http1 import BadFraming, Dechunker
from stigmer_runner.models.merging import EventMerger, NoAnswer, TooLarge
from stigmer_runner.models.scripted import ScriptedCall, ScriptedUsage, Turn
from stigmer_runner.models.scripted.formats import Answer, AnthropicFormat, Format, OpenAIFormat

MIB = 1024 * 1024
TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from('"\\\n\r\t/{}:,🌍'), max_size=60)


def run(data: bytes, cuts: list[int]) -> tuple[list[bytes], EventMerger]:
    """What comes out of `data`, cut at these places."""
    merger = EventMerger(MIB)
    out: list[bytes] = []
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    for start, end in itertools.pairwise(places):
        out += merger.feed(data[start:end])
    if rest := merger.rest():
        out.append(rest)
    return out, merger


def meaning(events: list[bytes]) -> list[object]:
    """What the events say, texts that follow each other as one."""
    said: list[object] = []
    place, text = "", ""
    for event in b"".join(events).replace(b"\r\n", b"\n").split(b"\n\n"):
        line = next((line for line in event.split(b"\n") if line.startswith(b"data:")), b"data: null")
        value: Any = json.loads(line[5:]) if line != b"data: [DONE]" else "done"
        for here, piece in texts(value) or [("", "")]:
            if here != place and place:
                said.append((place, text))
                text = ""
            place, text = here, text + piece
        if not texts(value):
            said.append(value)
    return said


def texts(value: Any) -> list[tuple[str, str]]:
    """The texts that an event adds, with where they belong."""
    found: list[tuple[str, str]] = []
    if not isinstance(value, dict):
        return found
    body = cast(dict[str, Any], value)
    if body.get("type") == "content_block_delta":
        delta: dict[str, str] = body["delta"]
        fields = ("text", "thinking", "partial_json")
        return [(f"{body['index']} {field}", delta[field]) for field in fields if field in delta]
    for choice in body.get("choices", []):
        fields = ("content", "reasoning", "reasoning_content")
        found += [(field, choice["delta"][field]) for field in fields if choice["delta"].get(field)]
        calls = [call for call in choice["delta"].get("tool_calls", []) if "id" not in call]
        found += [(f"call {call['index']}", call["function"]["arguments"]) for call in calls]
    return found


@pytest.mark.parametrize("form", [AnthropicFormat(), OpenAIFormat(), OpenAIFormat("reasoning_content")])
@given(text=TEXTS, reasoning=TEXTS, args=TEXTS, cuts=st.lists(st.integers(0, 100_000), max_size=6), crlf=st.booleans())
@settings(max_examples=60, deadline=None)
def test_merging_changes_no_meaning(
    form: Format, text: str, reasoning: str, args: str, cuts: list[int], crlf: bool
) -> None:
    calls = (ScriptedCall("write", {"text": args}), ScriptedCall("write", args))
    answer = Answer(Turn(text, reasoning, calls=calls, repeat=3), 1, "m", ScriptedUsage(1, 2))
    data = b"".join(form.events(answer))
    if crlf:
        data = data.replace(b"\n", b"\r\n")
    merged, merger = run(data, cuts)
    assert meaning(merged) == meaning([data])
    assert merger.finished


@pytest.mark.parametrize("form", [AnthropicFormat(), OpenAIFormat()])
def test_what_arrived_together_is_one_event(form: Format) -> None:
    answer = Answer(Turn("word " * 5000, reasoning="hm " * 500), 1, "m", ScriptedUsage(1, 2))
    events = list(form.events(answer))
    merged, _ = run(b"".join(events), [])
    assert len(events) > 5000
    assert len(merged) < 20


def test_padding_does_not_keep_events_apart() -> None:
    def event(text: str, padding: str) -> bytes:
        body = {"id": "c", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        return f"data: {json.dumps({**body, 'obfuscation': padding})}\n\n".encode()

    merged, _ = run(event("a", "xyz") + event("b", "q") + event('c"', "") + event("d", "zzz"), [])
    assert len(merged) == 1
    assert json.loads(merged[0][5:])["choices"][0]["delta"]["content"] == 'abc"d'


def test_events_of_different_places_stay_apart() -> None:
    def event(index: int, text: str) -> bytes:
        delta = {"type": "text_delta", "text": text}
        return f"data: {json.dumps({'type': 'content_block_delta', 'index': index, 'delta': delta})}\n\n".encode()

    merged, _ = run(event(0, "a") + event(1, "b") + event(1, "c") + event(0, "d"), [])
    assert [texts(json.loads(each[5:]))[0] for each in merged] == [("0 text", "a"), ("1 text", "bc"), ("0 text", "d")]


def test_what_is_not_recognised_passes_untouched() -> None:
    data = b': a comment\n\nevent: ping\ndata: {"type": "ping"}\n\nretry: 5\n\ndata: {"x":\ndata: 1}\n\nid: 3\n\n'
    merged, merger = run(data, [])
    assert b"".join(merged) == data
    assert not merger.finished


def test_good_events_come_before_the_bad_one() -> None:
    merger = EventMerger(MIB)
    out: list[bytes] = []
    good = b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}\n\n'

    def feed() -> None:
        out.extend(merger.feed(b""))
        for event in merger.feed(good + b"data: {\n\n" + good):
            out.append(event)

    with pytest.raises(NoAnswer):
        feed()
    assert out == [good]


def test_an_event_without_end_is_given_up() -> None:
    merger = EventMerger(MIB)

    def feed() -> None:
        for _ in range(64):
            list(merger.feed(b"x" * 64 * 1024))

    with pytest.raises(TooLarge, match="1 MiB"):
        feed()


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.integers(0, 1000), max_size=10), st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_chunks_come_out_of_their_frames(parts: list[bytes], cuts: list[int], extended: bool) -> None:
    extension = b" ;name=value" if extended else b""
    data = b"".join(b"%X%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    data += b"0\r\ntrailer: x\r\n\r\n" if extended else b"0\r\n\r\n"
    dechunker, out = Dechunker(), b""
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    for start, end in itertools.pairwise(places):
        assert not dechunker.done
        out += dechunker.feed(data[start:end])
    assert out == b"".join(parts)
    assert dechunker.done


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b"\r\n",
        b"-1\r\nx",
        b"0x3\r\nabc",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n\r",
        b"f" * 16 + b"\r\n",
        b"1" * 70_000,
    ],
)
def test_frames_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(BadFraming):
        Dechunker().feed(data)
