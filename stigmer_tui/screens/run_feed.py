"""Brings the events of a run to its transcript, its output and its state, and goes on with the next run of the session."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import Client, TailBatch, TailEnd, TailReset
from stigmer_apis.errors import DataLoss, StigmerError
from stigmer_tui.moments.timeline import Timeline
from stigmer_tui.terminal.output_log import NoteKind, OutputLog
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import thousands
from stigmer_tui.transcript.blocks import CallState
from stigmer_tui.transcript.calls import killed_words, outcome_words
from stigmer_tui.transcript.reading import Transcript
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.transcript.windows import SIZES, Window

DISK_RETRY_SECONDS = 1.0
SHELL = "shell"
"""The tool whose calls belong to the output even where they could not be started."""


class RunFeed:
    """Reads one run after the other. `shown` is told whenever there is something new to draw."""

    def __init__(self, log: OutputLog, transcript: Transcript, shown: Callable[[], None]) -> None:
        self.log = log
        self.transcript = transcript
        self.timeline = Timeline(log.directory)
        """Its terminals as they stand, and the way back to any moment."""
        self.state = RunState()
        self.problem = ""
        """What keeps it from going on, in words."""
        self.runs: list[str] = []
        """The runs that were begun to be read, the present one last."""
        self.resets = 0
        """How often everything was forgotten and read anew."""
        self.seq = 0
        """The last event of the present run that was taken in."""
        self.held_back: dict[str, int] = {}
        """Runs of which only the end was read, and how many events came before."""
        self._sizes: dict[str, int] = {}
        self._loading: tuple[str, int] | None = None
        self._shown = shown
        self._next: asyncio.Queue[str] = asyncio.Queue()

    def go_on_with(self, execution_id: str) -> None:
        """Read this one when the present one has ended."""
        self._next.put_nowait(execution_id)

    @property
    def loading(self) -> bool:
        """Whether more of it is being read, and it has not got to where it was."""
        return self._loading is not None

    def read_more(self, *, everything: bool = False) -> None:
        """Have more of what was held back read, or all of it: everything is forgotten, and `run` is to be called again."""
        for name in self.held_back:
            self._sizes[name] = len(SIZES) - 1 if everything else self._sizes.get(name, 0) + 1
        self._loading = (self.runs[-1], self.seq)
        waiting = [*self.runs]
        while not self._next.empty():
            waiting.append(self._next.get_nowait())
        for name in dict.fromkeys(waiting):
            self._next.put_nowait(name)
        self.runs.clear()
        self.held_back.clear()
        self._clear()

    def _clear(self) -> None:
        self.resets += 1
        self.log.clear()
        self.transcript.forget()

    async def run(self, client: Client) -> None:
        """Until it is cancelled. Raises what does not mend itself: `NotFound`, `PermissionDenied`, `DataLoss`."""
        while True:
            execution_id = await self._next.get()
            self.state, self.seq = RunState(execution_id), 0
            self.runs.append(execution_id)
            self.timeline.begin(execution_id)
            self.transcript.begin_next(execution_id)
            try:
                await self._read(client, execution_id)
            except StigmerError as error:
                self._loading = None
                if isinstance(error, DataLoss):
                    self.state.damage = error.message
                self._shown()
                raise
            self._shown()

    async def _read(self, client: Client, execution_id: str) -> None:
        size = SIZES[self._sizes.get(execution_id, 0)]
        window: Window | None = None
        async with aclosing(client.tail(execution_id, last_bytes=size)) as items:
            async for item in items:
                match item:
                    case TailBatch() if window is not None:
                        if window.take(item):
                            await self._take_window(window)
                            window = None
                    case TailBatch():
                        await self._take_batch(item)
                    case TailReset():
                        window = Window.of(item)
                        self._forget(execution_id, item)
                    case TailEnd():
                        self.state.phase = item.phase
                    case _:
                        continue
                self._loaded(execution_id, ended=isinstance(item, TailEnd))
                self._shown()

    def _loaded(self, execution_id: str, *, ended: bool) -> None:
        """Whether what was asked for again is there: up to where it was."""
        if self._loading is not None and execution_id == self._loading[0] and (ended or self.seq >= self._loading[1]):
            self._loading = None

    def _forget(self, execution_id: str, reset: TailReset) -> None:
        """What was read of this run is not true any more, or nothing was read yet and it begins at its end."""
        if self.seq:
            self._clear()
        self.state, self.seq = RunState(execution_id), 0
        self.timeline.begin(execution_id)
        if reset.held_back:
            self.held_back[execution_id] = reset.held_back
        elif reset.first_available > 1:
            self.transcript.say(f"The first {reset.first_available - 1} events of this run were removed.")
        if reset.snapshot is not None:
            summary = reset.snapshot.summary
            self.state.agent, self.state.session_id = summary.agent_name, summary.session_id
            self.state.subject, self.state.phase = summary.subject, summary.phase
            self.state.started_micros = summary.created_unix_micros

    async def _take_window(self, window: Window) -> None:
        """Take in the end of a run, with what is open in it."""
        before = window.before()
        await self._take(before[:1])
        words = f"{thousands(window.reset.held_back)} earlier events are not read: p reads more of them."
        self.transcript.say(words, mark="…")
        self.log.add_note(NoteKind.WORD, words)
        for event in before[1:]:
            self.timeline.take(window.reset.first_available - 1, (event,))
        await self._take(before[1:])
        for batch in window.batches:
            known = max(0, window.snapshot.seq + 1 - batch.first_seq)
            self.timeline.take(batch.first_seq, batch.events)
            await self._take(batch.events[:known])
            if batch.last_seq >= window.snapshot.seq:
                window.settle(self.state)
            await self._take(batch.events[known:])
            self.seq = batch.last_seq

    async def _take_batch(self, batch: TailBatch) -> None:
        self.timeline.take(batch.first_seq, batch.events)
        await self._take(batch.events)
        self.seq = batch.last_seq

    async def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            self.state.apply(event)
            self.transcript.apply((event,))
            self._print(event)
        while not self._wrote():
            self._shown()
            await asyncio.sleep(DISK_RETRY_SECONDS)

    def _wrote(self) -> bool:
        """Whether all output is in the log; a full disk holds it back, and is said."""
        try:
            self.log.flush()
        except OSError as error:
            self.problem = f"the output cannot be kept here: {error.strerror}. Make room; it goes on by itself"
            return False
        self.problem = ""
        return True

    def _print(self, event: Event) -> None:
        """What an event adds to the output."""
        match event.WhichOneof("body"):
            case "terminal_output":
                self.log.add_output(event.terminal_output.terminal_id, event.terminal_output.data)
            case "tool_call_started":
                self._print_command(event)
            case "tool_call_finished":
                self._print_outcome(event)
            case "phase_changed":
                self._print_phase(event)
            case _:
                return

    def _print_command(self, event: Event) -> None:
        """What runs in a terminal, and whether there are walls around it; other tools have no output here."""
        started = event.tool_call_started
        call = self.transcript.call(started.call_id)
        if call is None or not started.terminal_id:
            return
        self.log.add_note(NoteKind.COMMAND, safe(Untrusted(call.command)))
        sandbox = started.sandbox
        if started.HasField("sandbox") and not sandbox.walls:
            self.log.add_note(
                NoteKind.WORD, safe(Untrusted(f"no walls around it: {sandbox.reason or 'no reason given'}"))
            )
        elif sandbox.reason:
            self.log.add_note(NoteKind.WORD, safe(Untrusted(sandbox.reason)))

    def _print_outcome(self, event: Event) -> None:
        call = self.transcript.call(event.tool_call_finished.call_id)
        if call is None or not (call.terminal_id or call.name == SHELL):
            return
        if call.terminal_id:
            self.log.end_terminal(call.terminal_id)
        else:
            self.log.add_note(NoteKind.COMMAND, safe(Untrusted(call.command)))
        kind = NoteKind.WRONG if call.failed else NoteKind.ENDED
        if call.state is CallState.STOPPED:
            kind = NoteKind.STOPPED
        words = [outcome_words(call), call.error, killed_words(call.killed)]
        self.log.add_note(kind, safe(Untrusted(" · ".join(word for word in words if word))))

    def _print_phase(self, event: Event) -> None:
        reason = safe(Untrusted(event.phase_changed.reason))
        match event.phase_changed.phase:
            case enums.EXECUTION_FAILED:
                self.log.add_note(NoteKind.WRONG, reason or "the run failed")
            case enums.EXECUTION_CANCELLED:
                self.log.add_note(NoteKind.STOPPED, f"the run was stopped{f': {reason}' if reason else ''}")
            case _:
                return
