"""People at terminals. One has a terminal's keyboard at a time; a newer one takes it over. Keys pass through and are kept nowhere."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, TerminalAttached, TerminalDetached
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2 import AttachRequest, AttachResponse
from stigmer_apis.errors import FailedPrecondition, FieldViolation, InvalidArgument
from stigmer_apis.protocol import MAX_INPUT_BYTES
from stigmer_backend.executions.appending import Appender
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.sessions import RunnerSession
from stigmer_backend.executions.terminals import Terminal
from stigmer_backend.resources.text import quoted

MOST_CELLS = 10_000
"""Columns or rows of the largest terminal: what is larger is a mistake, and emulators allocate what they are told."""


@dataclass(eq=False, slots=True)
class Attachment:
    """A person at a terminal."""

    live: LiveExecution
    terminal: Terminal
    author: str
    taken_by: str = ""
    """Who took the keyboard over."""
    left: str | None = None
    """Why its person let go while the execution was ending; None as long as they are there."""


class Attachments:
    """Who is at which terminal."""

    def __init__(self) -> None:
        self._appender: Appender | None = None
        self._here: dict[tuple[str, str], Attachment] = {}

    def use(self, appender: Appender) -> None:
        """Write events with `appender`."""
        self._appender = appender

    def __len__(self) -> int:
        return len(self._here)

    def still_there(self, execution_id: str) -> Sequence[TerminalDetached]:
        """What is to be said of the people at the terminals of an execution that ends."""
        return [
            _detached(attachment, "the command ended" if attachment.left is None else attachment.left)
            for attachment in self._here.values()
            if attachment.live.id == execution_id
        ]

    def ended(self, live: LiveExecution) -> None:
        """An execution ended: nobody is at its terminals any more."""
        for place in [place for place in self._here if place[0] == live.id]:
            del self._here[place]

    async def attach(self, live: LiveExecution, wanted: AttachRequest.Open, author: str) -> Attachment:
        """Give `author` the keyboard. Raises `FailedPrecondition` where nothing runs, `InvalidArgument` for an impossible size."""
        terminal = _running(live, wanted.terminal_id)
        session = _session(live)
        check_size(wanted.columns, wanted.rows)
        attachment = Attachment(live, terminal, author)
        place = (live.id, terminal.terminal_id)
        before = self._here.get(place)
        self._here[place] = attachment
        events = [Event(terminal_attached=TerminalAttached(terminal_id=terminal.terminal_id, author=author))]
        if before is not None:
            taken = "the keyboard was taken over from another place"
            before.taken_by = author
            live.changed.ring()
            reason = taken if before.left is None else before.left
            events.insert(0, Event(terminal_detached=_detached(before, reason)))
        try:
            await self._log(live, events)
        except BaseException:
            if self._here.get(place) is attachment:
                del self._here[place]
            raise
        resize(live, session, terminal, wanted.columns, wanted.rows)
        return attachment

    async def listen(self, attachment: Attachment, requests: AsyncIterator[AttachRequest]) -> None:
        """Pass on what the person types, until they let go. Raises `InvalidArgument` for what is no such thing."""
        live, terminal = attachment.live, attachment.terminal
        async for request in requests:
            if attachment.taken_by:
                return
            session = _session(live)
            match request.WhichOneof("frame"):
                case "input":
                    if len(request.input.data) > MAX_INPUT_BYTES:
                        raise InvalidArgument(
                            f"{len(request.input.data)} bytes of keys in one frame: send less at once"
                        )
                    keys = LinkResponse.TerminalInput(
                        execution_id=live.id, terminal_id=terminal.terminal_id, data=request.input.data
                    )
                    await session.send_input(keys)
                case "resize":
                    check_size(request.resize.columns, request.resize.rows)
                    resize(live, session, terminal, request.resize.columns, request.resize.rows)
                case _:
                    raise InvalidArgument("an attached terminal takes input and sizes alone")

    async def over(self, attachment: Attachment) -> AttachResponse.Ended:
        """Wait until the terminal is no more, or somebody else's."""
        live = attachment.live
        while True:
            if attachment.taken_by:
                return AttachResponse.Ended(reason="the keyboard was taken over from another place")
            if live.ended or live.terminals.get(attachment.terminal.terminal_id) is None:
                return AttachResponse.Ended(reason="the command ended", command_ended=True)
            if live.lease is None or live.lease.session is None:
                return AttachResponse.Ended(reason="the runner went away")
            await live.changed.wait()

    async def let_go(self, attachment: Attachment, reason: str) -> None:
        """A person is at a terminal no more; `reason` where it was not their wish."""
        live, place = attachment.live, (attachment.live.id, attachment.terminal.terminal_id)
        if self._here.get(place) is not attachment:
            return
        if live.closing and not live.ended:
            attachment.left = reason  # the last events are about to be written, and say it
            return
        del self._here[place]
        if not live.ended:
            await self._log(live, [Event(terminal_detached=_detached(attachment, reason))])

    async def _log(self, live: LiveExecution, events: Sequence[Event]) -> None:
        if self._appender is not None:
            await self._appender.append(live, events)


def check_size(columns: int, rows: int) -> None:
    """Raise `InvalidArgument` for a terminal that cannot be."""
    if max(columns, rows) > MOST_CELLS:
        raise InvalidArgument(
            f"a terminal of {columns} columns and {rows} rows cannot be",
            remedy=f"say at most {MOST_CELLS} for each",
            violations=[FieldViolation("columns", "stigmer.terminal.size", f"must be at most {MOST_CELLS}")],
        )


def resize(live: LiveExecution, session: RunnerSession, terminal: Terminal, columns: int, rows: int) -> None:
    """Tell the runner the size of the person's terminal; one without a size changes nothing."""
    if columns and rows:
        size = LinkResponse.TerminalResize(
            execution_id=live.id, terminal_id=terminal.terminal_id, columns=columns, rows=rows
        )
        session.send(LinkResponse(terminal_resize=size))


def _running(live: LiveExecution, terminal_id: str) -> Terminal:
    terminal = live.terminals.get(terminal_id) if terminal_id else live.terminals.latest()
    if terminal is None:
        what = f"the terminal {quoted(terminal_id)} does not run" if terminal_id else "nothing runs at the moment"
        raise FailedPrecondition(
            f"{what} in {live.id}", remedy="attach while a command runs; send it a line with `stigmer send`"
        )
    return terminal


def _session(live: LiveExecution) -> RunnerSession:
    if live.lease is None or live.lease.session is None:
        raise FailedPrecondition(
            f"the runner of {live.id} is not connected", remedy="wait a moment; `stigmer server status` tells of it"
        )
    return live.lease.session


def _detached(attachment: Attachment, reason: str) -> TerminalDetached:
    return TerminalDetached(terminal_id=attachment.terminal.terminal_id, author=attachment.author, reason=reason)
