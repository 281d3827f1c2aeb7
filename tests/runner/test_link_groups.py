"""Appends of several leases as one frame: in turn, in order, and what is large alone."""

from collections.abc import Sequence

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, LogLine
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest
from stigmer_runner.link.conversation import GROUP_APPENDS, GROUP_BYTES, Sendable
from stigmer_runner.link.outbox import Outbox
from stigmer_runner.link.pressure import Pressure


def line(text: str) -> Sequence[Event]:
    return [Event(log_line=LogLine(text=text))]


def outboxes(sendable: Sendable, *names: str) -> list[Outbox]:
    """Leases that have nothing to send yet."""
    pressure = Pressure()
    return [Outbox(name, 1, pressure, sendable.wake) for name in names]


def told(frame: LinkRequest) -> list[tuple[str, int]]:
    """Whose appends a frame holds, and which."""
    appends = frame.appends.appends if frame.HasField("appends") else [frame.append]
    return [(append.execution_id, append.producer_seq) for append in appends]


async def test_what_waits_goes_as_one_frame_each_in_its_turn() -> None:
    sendable = Sendable()
    sendable.groups = True
    one, other = outboxes(sendable, "one", "other")
    for _ in range(3):
        one.append((), line("a"), urgent=True)
    other.append((), line("b"), urgent=True)
    assert told(await sendable.next()) == [("one", 1), ("other", 1), ("one", 2), ("one", 3)]
    one.append((), line("a"), urgent=True)
    frame = await sendable.next()
    assert frame.HasField("append")
    assert told(frame) == [("one", 4)]


async def test_what_is_large_does_not_make_a_frame_larger() -> None:
    sendable = Sendable()
    sendable.groups = True
    one, other = outboxes(sendable, "one", "other")
    one.append((), line("a"), urgent=True)
    other.append((), line("b" * GROUP_BYTES), urgent=True)
    one.append((), line("c"), urgent=True)
    assert [told(await sendable.next()) for _ in range(3)] == [[("one", 1)], [("other", 1)], [("one", 2)]]
    for _ in range(GROUP_APPENDS + 1):
        one.append((), line("d"), urgent=True)
    assert [len(told(await sendable.next())) for _ in range(2)] == [GROUP_APPENDS, 1]


async def test_a_daemon_that_says_nothing_of_groups_gets_none() -> None:
    sendable = Sendable()
    one, other = outboxes(sendable, "one", "other")
    for outbox in (one, other):
        outbox.append((), line("a"), urgent=True)
    assert [(await sendable.next()).HasField("append") for _ in range(2)] == [True, True]
