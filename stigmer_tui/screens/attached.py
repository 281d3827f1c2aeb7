"""A person at a run's terminal, within the app: what is typed is the program's, until the chord."""

import asyncio
from collections.abc import Callable

from textual import events, getters, on
from textual.app import App, ComposeResult
from textual.binding import BindingsMap
from textual.containers import Container
from textual.dom import DOMNode

from stigmer_apis.client import AttachSession
from stigmer_apis.errors import StigmerError
from stigmer_tui.moments.timeline import Timeline
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.terminal.chord import EXPLANATION, Chord
from stigmer_tui.terminal.escape_keys import EscapeParser
from stigmer_tui.terminal.output_log import OutputLog
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.output_view import OutputView
from stigmer_tui.widgets.terminal_view import TerminalView

STAYED_SECONDS = 1.5
"""So long the last screen of a program that ended is shown."""


class AttachedScreen(WorkstationScreen, inherit_bindings=False):
    """The terminal, and one line that says whose the keys are and how to leave. No binding works here but what is typed for the program."""

    CSS_PATH = "attached.tcss"
    AUTO_FOCUS = "#terminal"
    app = getters.app(Workstation)

    def __init__(
        self,
        execution_id: str,
        terminal_id: str,
        title: str,
        timeline: Timeline,
        log: OutputLog,
        left: Callable[[], None] | None = None,
    ) -> None:
        """`title`: what runs there, as its author wrote it. `timeline` and `log` are the run's, which go on being fed. `left`: called at the end."""
        super().__init__()
        self._execution_id = execution_id
        self._terminal_id = terminal_id
        self._title = safe(Untrusted(title)) or "the terminal"
        self._timeline = timeline
        self._when_left = left
        self._chord = Chord()
        self._typed: asyncio.Queue[bytes | tuple[int, int]] = asyncio.Queue()
        self._stop_listening: Callable[[], None] | None = None
        self._sized = asyncio.Event()
        self._attached_now = False
        self._over = False
        self._ended = False
        """Whether the program has, and not only the session."""
        self.head = Line(classes="attached-head")
        self.trouble = Notice()
        self.notice = Notice()
        self.terminal = TerminalView(live=True, id="terminal")
        self.output = OutputView(log, self._ask, id="scrollback")

    @property
    def is_modal(self) -> bool:
        """No key is looked up further down than here."""
        return True

    @property
    def _binding_chain(self) -> list[tuple[DOMNode, BindingsMap]]:
        """Who may take a key before the program: nobody, the app neither; where one looks at earlier output, that view."""
        if not self.has_class("-back"):
            return []
        return [(node, bindings) for node, bindings in super()._binding_chain if node is not self.app]

    def compose(self) -> ComposeResult:
        """The line, and the terminal below it."""
        yield self.head
        yield self.trouble
        with Container(id="attached"):
            yield self.terminal
            yield self.output
        yield self.notice

    def on_mount(self) -> None:
        """Attach."""
        EscapeParser.apart = True
        self._say("…")
        self._stop_listening = self._timeline.listen(self._told)
        self._told()
        self.run_worker(self._attached)

    def on_unmount(self) -> None:
        """Let go."""
        EscapeParser.apart = False
        if self._stop_listening is not None:
            self._stop_listening()
        if self._when_left is not None:
            self._when_left()

    # The session.

    async def _attached(self) -> None:
        """Until the person leaves, the program ends, or the connection breaks."""
        await self._sized.wait()
        columns, rows = self.terminal.size
        client = await self.app.client()
        try:
            async with client.attach(self._execution_id, self._terminal_id, columns=columns, rows=rows) as session:
                self._drop_answers()
                self._attached_now = True
                self._say()
                words = await self._until_over(session)
        except StigmerError as error:
            words = f"Let go of the terminal: {safe(Untrusted(error.message))}."
        self._leave(words)

    async def _until_over(self, session: AttachSession) -> str:
        """Send what is typed; how it ended, in words."""
        typing = asyncio.create_task(self._send(session))
        listening = asyncio.create_task(_end_of(session))
        try:
            await asyncio.wait({typing, listening}, return_when=asyncio.FIRST_COMPLETED)
            if typing.done() and typing.exception() is None:
                return "Left the terminal; what runs there goes on."
            self._ended, words = await asyncio.wait_for(listening, STAYED_SECONDS)
        finally:
            typing.cancel()
            listening.cancel()
            await asyncio.gather(typing, listening, return_exceptions=True)
        self._over = True
        self._say()
        await asyncio.sleep(STAYED_SECONDS)
        return words

    async def _send(self, session: AttachSession) -> None:
        """Keys and sizes, in order, until the chord."""
        while True:
            item = await self._typed.get()
            if isinstance(item, bytes):
                keys = self._chord.feed(item)
                if keys:
                    await session.write(keys)
                if self._chord.left:
                    return
            else:
                await session.resize(*item)

    def _leave(self, words: str) -> None:
        if self.in_front:
            App[int].pop_screen(self.app)  # no page of its own: nothing goes back
        self.app.say(words)

    # What comes.

    def _told(self) -> None:
        """The run's events went on."""
        terminal = self._timeline.terminals.get(self._terminal_id)
        if terminal is not None:
            self.terminal.show(terminal.emulator)
        emulator = self.terminal.emulator
        if emulator is None:
            return
        self.terminal.changed()
        self.output.grown()
        answers = emulator.take_answers()
        if answers and self._attached_now and not self._over:
            self._typed.put_nowait(answers)

    def _drop_answers(self) -> None:
        """What was asked before somebody was there stays without an answer."""
        if self.terminal.emulator is not None:
            self.terminal.emulator.take_answers()

    # What is typed.

    @on(TerminalView.Typed)
    def typed(self, message: TerminalView.Typed) -> None:
        """To the program, or out of here."""
        message.stop()
        self._typed.put_nowait(message.data)

    def on_key(self, event: events.Key) -> None:
        """A key that came before the terminal had the focus."""
        if not event.is_forwarded and self.focused is None:
            self.terminal.on_key(event)

    @on(TerminalView.Resized)
    def resized(self, message: TerminalView.Resized) -> None:
        """The program's terminal has the size of the view."""
        message.stop()
        self._sized.set()
        self._typed.put_nowait((message.columns, message.rows))

    # Scrolling back.

    @on(TerminalView.ScrolledBack)
    def scroll_back(self, message: TerminalView.ScrolledBack) -> None:
        """Show what was printed earlier; what is typed then goes to that view."""
        message.stop()
        self.set_class(True, "-back")
        self.output.relaid()
        self.output.follow(False)
        self.set_focus(self.output)
        self.call_after_refresh(self._page_back)
        self._say()

    def _page_back(self) -> None:
        """A screen up, once the view has a size."""
        if not self.output.size.height:
            self.call_after_refresh(self._page_back)
            return
        self.output.scroll_rows(-max(1, self.output.page_rows - 1))

    @on(LogView.FollowChanged)
    def followed(self) -> None:
        """At the end of it one is back at the terminal."""
        if self.has_class("-back") and self.output.following:
            self._back_to_terminal()

    def _ask(self, view: LogView, what: str) -> None:
        """Scrolled back, everything but looking leads back to the terminal."""
        self._back_to_terminal()

    def _back_to_terminal(self) -> None:
        self.set_class(False, "-back")
        self.set_focus(self.terminal)
        self._say()

    def _say(self, state: str = "") -> None:
        if self.has_class("-back"):
            self.head.say(
                [(" EARLIER OUTPUT ", "badge"), (f"  {self._title}", "text")],
                [("esc or the end: back to the terminal", "text")],
            )
        elif self._over:
            badge, words = (
                (" ENDED ", "the program has ended") if self._ended else (" LET GO ", "what runs there goes on")
            )
            self.head.say([(badge, "badge"), (f"  {self._title}", "text")], [(words, "muted")])
        elif state:
            self.head.say([(" ATTACHING ", "badge"), (f"  {self._title}", "text")], [(state, "muted")])
        else:
            self.head.say([(" ATTACHED ", "badge"), (f"  {self._title}", "text")], [(EXPLANATION, "text")])


async def _end_of(session: AttachSession) -> tuple[bool, str]:
    """Wait for the end of the session; whether the program has ended, and why, in words."""
    async for response in session:
        if response.HasField("ended"):
            if response.ended.command_ended:
                return True, "The program has ended."
            reason = safe(Untrusted(response.ended.reason)) or "the server ended it"
            return False, f"Let go of the terminal: {reason}. What runs there goes on."
    return False, "Let go of the terminal: the server ended it."
