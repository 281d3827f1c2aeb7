"""Values for and from a workflow, and their recorded form."""

from collections.abc import Sequence

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Payload as RecordedPayload
from stigmer_runner.engine.plain_values import PlainValues
from stigmer_runner.engine.temporalio_names import Payload

CONVERTER = PlainValues()
"""How values become bytes: JSON for plain values and dataclasses, protobuf for messages."""


def recorded(payload: Payload) -> RecordedPayload:
    """The form of `payload` that is written down."""
    return RecordedPayload(metadata=payload.metadata, data=payload.data)


def to_library(payload: RecordedPayload) -> Payload:
    """The library's form of a recorded payload."""
    return Payload(metadata=payload.metadata, data=payload.data)


def encode(values: Sequence[object]) -> list[RecordedPayload]:
    """The recorded form of plain values."""
    return [recorded(payload) for payload in CONVERTER.to_payloads(values)]


def decode(payloads: Sequence[Payload], types: Sequence[type]) -> list[object]:
    """Values of `types` from `payloads`; where the numbers differ, values as they come."""
    hints = list(types) if len(types) == len(payloads) else None
    return list(CONVERTER.from_payloads(payloads, hints))


def decode_result(payload: RecordedPayload | None) -> object:
    """A workflow's result as a plain value; None where it has none."""
    if payload is None:
        return None
    values: list[object] = list(CONVERTER.from_payloads([to_library(payload)]))
    return values[0]
