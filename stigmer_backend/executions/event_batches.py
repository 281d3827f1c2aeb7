"""Encoded events: put together, counted, taken apart, without a second encoding on the way."""

from collections.abc import Iterable, Iterator

from google.protobuf.message import DecodeError

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Event, EventBatch
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.fold import is_terminal

_MESSAGE_TAG = 0x0A
"""Field 1, with a length: how each message begins in a batch of events, and in one of engine records."""

_DELTAS = frozenset({"text_delta", "reasoning_delta", "terminal_output"})
"""Bodies that may wait for the next batch to a reader; all others are sent at once."""


def encode_events(events: Iterable[Event]) -> bytes:
    """The encoded batch of `events`."""
    return EventBatch(events=events).SerializeToString()


def decode_events(body: bytes) -> list[Event]:
    """The events in an encoded batch. Raises `InvalidArgument` for bytes that are none."""
    try:
        return list(EventBatch.FromString(body).events)
    except DecodeError as error:
        raise InvalidArgument(f"{len(body)} bytes are no batch of events") from error


def without_first(body: bytes, count: int) -> bytes:
    """The encoded batch `body` without its first `count` messages. Raises `ValueError` for a body that is none."""
    position = 0
    for _ in range(count):
        position = _behind(body, position)
    return body[position:]


def pieces(body: bytes, limit: int) -> Iterator[tuple[int, bytes]]:
    """The encoded batch `body` in pieces of at most `limit` bytes, each with the number of its messages; a larger message stands alone.

    Raises `ValueError` for a body that is none.
    """
    start = position = count = 0
    while position < len(body):
        following = _behind(body, position)
        if count and following - start > limit:
            yield count, body[start:position]
            start, count = position, 0
        position = following
        count += 1
    if count:
        yield count, body[start:]


def _behind(body: bytes, position: int) -> int:
    """Where the message that begins at `position` ends."""
    if position >= len(body) or body[position] != _MESSAGE_TAG:
        raise ValueError("the body is no batch of messages")
    position += 1
    length = shift = 0
    while True:
        byte = body[position]
        position += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return position + length
        shift += 7


def terminal_phase(event: Event) -> ExecutionPhase.ValueType | None:
    """The phase that `event` ends its execution with, or None."""
    if event.HasField("phase_changed"):
        phase = event.phase_changed.phase
    elif event.HasField("status_replaced"):
        phase = event.status_replaced.status.phase
    else:
        return None
    return phase if is_terminal(phase) else None


def is_delta(event: Event) -> bool:
    """Whether a reader may get `event` a moment later, together with what follows."""
    return event.WhichOneof("body") in _DELTAS


def command_issued(event: Event) -> CommandIssued | None:
    """The command in `event`, or None."""
    return event.command_issued if event.HasField("command_issued") else None
