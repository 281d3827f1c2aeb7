"""What is written down of a live execution: commands, terminals, the fold; and that reading it back changes nothing."""

from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Event
from stigmer_apis.fold import apply_events, empty_fold
from stigmer_backend.executions.ledger import CommandState, Ledger
from stigmer_backend.executions.snapshots import Snapshot, decode_snapshot, encode_snapshot
from stigmer_backend.executions.terminals import Terminals


def issued(command_id: str, text: str = "") -> Event:
    command = CommandIssued(command_id=command_id, author="local-user")
    if text:
        command.send_message.text = text
    else:
        command.cancel.reason = "enough"
    return Event(command_issued=command)


def commands() -> list[Event]:
    return [
        issued("a", "one"),
        issued("b", "two"),
        issued("c"),
        issued("d", "three"),
        Event(command_applied=ev.CommandApplied(command_id="a")),
        Event(command_rejected=ev.CommandRejected(command_id="d", reason="no")),
        Event(command_applied=ev.CommandApplied(command_id="unknown")),
        issued("b", "again"),
        Event(command_rejected=ev.CommandRejected(command_id="a", reason="too late to say so")),
    ]


def states(ledger: Ledger) -> list[tuple[CommandState, str, str | None]]:
    found = [ledger.get(name) for name in "abcd"]
    return [(one.state, one.reason, one.issued.WhichOneof("command")) for one in found if one is not None]


def test_a_command_is_settled_once_and_keeps_its_kind_alone() -> None:
    ledger = Ledger()
    ledger.take(commands())
    assert states(ledger) == [
        (CommandState.APPLIED, "", "send_message"),
        (CommandState.PENDING, "", "send_message"),
        (CommandState.PENDING, "", "cancel"),
        (CommandState.REJECTED, "no", "send_message"),
    ]
    assert [one.command_id for one in ledger.pending()] == ["b", "c"]
    assert ledger.pending()[0].send_message.text == "two"
    cancel = ledger.pending_cancel()
    assert cancel is not None
    assert cancel.command_id == "c"
    applied = ledger.get("a")
    assert applied is not None
    assert applied.issued.send_message.text == ""
    again = Ledger.decode(ledger.encode())
    assert states(again) == states(ledger)
    assert again.pending() == ledger.pending()
    assert again.encode() == ledger.encode()


def terminal_events() -> list[Event]:
    arguments = Struct()
    arguments.update({"command": "vim \x1b[31m"})
    return [
        Event(tool_call_requested=ev.ToolCallRequested(call_id="c1", name="shell", args=arguments)),
        Event(tool_call_requested=ev.ToolCallRequested(call_id="c2", name="grep")),
        Event(tool_call_started=ev.ToolCallStarted(call_id="c1", terminal_id="t1")),
        Event(tool_call_started=ev.ToolCallStarted(call_id="c2", terminal_id="t2")),
        Event(tool_call_requested=ev.ToolCallRequested(call_id="c3", name="read")),
        Event(tool_call_started=ev.ToolCallStarted(call_id="c3")),
    ]


def test_terminals_run_from_start_to_finish_and_the_latest_is_found() -> None:
    terminals = Terminals()
    events = terminal_events()
    terminals.take(10, events)
    assert "command" not in events[1].tool_call_requested.args.fields
    first, latest = terminals.get("t1"), terminals.latest()
    assert first is not None
    assert latest is not None
    assert (first.call_id, first.started_seq, first.title) == ("c1", 12, "vim \x1b[31m")
    assert (latest.terminal_id, latest.started_seq, latest.title) == ("t2", 13, "grep")
    again = Terminals.decode(terminals.encode())
    assert again.get("t1") == first
    again.take(16, [Event(tool_call_finished=ev.ToolCallFinished(call_id="c2"))])
    assert again.latest() == first
    again.take(17, [Event(tool_call_finished=ev.ToolCallFinished(call_id="c1"))])
    assert again.latest() is None
    assert again.get("t1") is None


def test_a_snapshot_is_read_as_it_was_written() -> None:
    fold = empty_fold("aex-1")
    apply_events(fold, 1, [Event(execution_created=ev.ExecutionCreated(message="x")), *commands()])
    ledger, terminals = Ledger(), Terminals()
    ledger.take(commands())
    terminals.take(1, terminal_events())
    data = encode_snapshot(Snapshot(fold, ledger, terminals))
    read = decode_snapshot(data)
    assert read is not None
    assert read.fold == fold
    assert encode_snapshot(read) == data
    assert decode_snapshot(b"") is None
