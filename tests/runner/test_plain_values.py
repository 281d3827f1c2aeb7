"""Values as the engine writes and reads them are those of the workflow library."""

from dataclasses import dataclass, replace

import pytest

from stigmer_runner.durable.messages import (
    AgentRequest,
    Carried,
    Entry,
    LookedAt,
    ModelAsk,
    Said,
    SetUp,
    ToolEnd,
    ToolInfo,
    Used,
)
from stigmer_runner.engine.plain_values import PlainValues
from stigmer_runner.engine.temporalio_names import DefaultPayloadConverter

ENTRY = Entry('{"text": "é\\u2028"}', "user", 3, "message-1")
SET_UP = SetUp("p", "m", 1, 2, "s", (ToolInfo("shell", parallel=False, repeatable=False),), memory=(ENTRY,))
VALUES = [
    ModelAsk(1, 2, 1.5, "p", "m", "s", (ENTRY, ENTRY), 3, said=(Said("m", "t", attachments=("a",)),)),
    SET_UP,
    ToolEnd(None, LookedAt("ask", prefix=("git", "log"))),
    ToolEnd(ENTRY),
    AgentRequest("e", carried=Carried(SET_UP, (ENTRY,), used=Used(1, 2, 3), numbers=(1, 2, 3, 4, 5))),
]


@dataclass(frozen=True)
class Newer:
    """As `Used`, with what an older journal does not have."""

    turns: int
    tokens: int = 7
    ratio: float = 0.5


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_the_same_bytes_and_the_same_value(value: object) -> None:
    ours, theirs = PlainValues(), DefaultPayloadConverter()
    written = ours.to_payloads([value])
    assert written == theirs.to_payloads([value])
    assert ours.from_payloads(written, [type(value)]) == theirs.from_payloads(written, [type(value)]) == [value]
    assert ours.from_payloads(written) == theirs.from_payloads(written)


def test_fields_that_are_missing_or_unknown() -> None:
    ours = PlainValues()
    assert ours.from_payloads(ours.to_payloads([{"turns": 1, "strange": 2}]), [Newer]) == [Newer(1)]
    assert ours.from_payloads(ours.to_payloads([{"turns": 1, "ratio": 2}]), [Newer]) == [replace(Newer(1), ratio=2.0)]


@pytest.mark.parametrize("written", [{"turns": "1"}, {}, [], "x", {"turns": 1, "ratio": "2"}, {"turns": None}])
def test_what_does_not_fit_is_refused(written: object) -> None:
    ours, theirs = PlainValues(), DefaultPayloadConverter()
    payloads = ours.to_payloads([written])
    for each in (ours, theirs):
        with pytest.raises((TypeError, RuntimeError)):
            each.from_payloads(payloads, [Newer])


def test_bytes_and_nothing_stay_what_they_are() -> None:
    ours = PlainValues()
    values = [b"\x00\xff", None, "text", 3]
    assert ours.from_payloads(ours.to_payloads(values), [bytes, str, str, int]) == values
