"""The workstation: composes the screens, and does what is one for all of them: the client, the clipboard, the terminal, the last words."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, ClassVar

from rich.console import RenderableType
from textual import events
from textual.command import Provider
from textual.filter import LineFilter
from textual.screen import Screen

from stigmer_apis.errors import HomeError, StigmerError
from stigmer_apis.home import Home
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.palette import ActionProvider, ActionTargets
from stigmer_tui.actions.registry import Scope
from stigmer_tui.away import Away
from stigmer_tui.crash import EXIT_CODE, CrashLog
from stigmer_tui.held_keys import HeldKeys
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.help import HelpScreen
from stigmer_tui.screens.sending import LineSender, Start
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.terminal.clipboard import copy_by_programs, osc52
from stigmer_tui.terminal.stderr_guard import guarded_stderr
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.egress import EgressGuard
from stigmer_tui.text.times import Clock
from stigmer_tui.theme.looks import ANSI_DARK, ANSI_LIGHT, DARK, LIGHT
from stigmer_tui.widgets.composer.drafts import Drafts
from stigmer_tui.widgets.composer.history import History

if TYPE_CHECKING:
    from stigmer_apis.client import Client, Connection
    from stigmer_tui.screens.run import RunScreen

# The client and what reads a run are imported once the first screen is drawn: gRPC takes as long to load as everything else here.

RETRY_SECONDS = 2.0
"""After connecting failed."""
SHELL = "shell"
"""The agent that needs no model: offered first."""
SENT_SECONDS = 0.05
"""Between two looks at what is still to be sent."""
LEAVE_SECONDS = 3.0
"""After a signal to end, the app is gone, whatever hangs: a terminal that was closed takes no more output."""


class StigmerApp(Workstation):
    """The workstation."""

    TITLE = "Stigmer"
    CSS_PATH = "app.tcss"
    BINDINGS = bindings_of(Scope.APP)
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionProvider}

    def __init__(
        self,
        home: Home,
        *,
        workspace: Path | None = None,
        clock: Clock = time,
        start_daemon: bool = True,
        label: str = "",
    ) -> None:
        """`workspace`: where new sessions work. `start_daemon`: start one where none answers. `label`: what is said on top as long as all is well."""
        super().__init__()
        self._start_daemon = start_daemon
        self.home = home
        self.clock = clock
        self.workspace = workspace
        self.agent = SHELL
        self.history = History(home.root / "history.jsonl")
        self.drafts = Drafts(home.root / "drafts.json")
        self._label = label
        self._first: tuple[str, str] | None = None
        self.connection_words = label
        self.connection_lost = False
        self.crash = CrashLog(home.logs / "tui.log")
        self._guard = EgressGuard()
        self._senders: list[LineSender] = []
        self._connected = asyncio.Event()
        self._the_client: Client | None = None
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.ansi_theme_dark, self.ansi_theme_light = ANSI_DARK, ANSI_LIGHT
        self.theme = DARK.name
        self.board = BoardScreen(self)
        self._coming: RunScreen | None = None
        """A run that was started from the board and has not the focus yet: what is typed meanwhile is for it."""
        self._away = Away(self)
        self._keys = HeldKeys(self, super().on_event, self._hand_over)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and behind them the guard that no control code passes."""
        return [*super().get_line_filters(), self._guard]

    def on_mount(self) -> None:
        """Show the board."""
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._told_to_leave, number)
        self.push_screen(self.board)

    def connect(self) -> None:
        """Begin to connect; the board asks for it once it is drawn."""
        self.run_worker(self._connect())

    def on_unmount(self) -> None:
        """Keep what was written."""
        self.board.keep_draft()
        self.drafts.save()

    def _told_to_leave(self, number: signal.Signals) -> None:
        code = 128 + number
        self.exit(code, return_code=code)
        deadline = threading.Timer(LEAVE_SECONDS, os._exit, [code])
        deadline.daemon = True
        deadline.start()

    # The client.

    async def _connect(self) -> None:
        """Be connected until the app ends; what keeps it from that is said, and tried again."""
        from stigmer_apis.client import Client

        while True:
            client = Client(self.home, start_daemon=self._start_daemon)
            stop_listening = client.connection.listen(self._connection_told)
            try:
                async with client:
                    self._the_client = client
                    self._connected.set()
                    await asyncio.to_thread(import_module, "stigmer_tui.screens.run")
                    self._begin()
                    await asyncio.Event().wait()
            except StigmerError as error:
                self._say_connection(str(error), lost=True)
            finally:
                stop_listening()
            await asyncio.sleep(RETRY_SECONDS)

    def start_with(self, agent: str, line: str) -> None:
        """Run something as soon as the server answers, and show it."""
        self._first = (agent, line)

    def _begin(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            self.call_later(self.start_run, *first)

    async def client(self) -> "Client":
        """The client, once it is connected for the first time."""
        while self._the_client is None:
            await self._connected.wait()
        return self._the_client

    def _connection_told(self, connection: "Connection") -> None:
        match connection.state.value:
            case "lost":
                self._say_connection(f"{connection.reason}; connecting again …", lost=True)
            case "stopped":
                self._say_connection(connection.reason, lost=True)
            case "connecting":
                self._say_connection(f"{connection.reason} …")
            case _:
                self._say_connection(connection.notice)

    def _say_connection(self, words: str, *, lost: bool = False) -> None:
        self.connection_words, self.connection_lost = words or self._label, lost
        self.call_later(self._show_connection)

    def _show_connection(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, WorkstationScreen) and screen.is_mounted:
                screen.show_connection(self)

    async def on_event(self, event: events.Event) -> None:
        """Keys that were typed while a screen comes are the screen's: they wait for it."""
        if not self._keys.keeps(event):
            await super().on_event(event)

    def on_descendant_focus(self) -> None:
        """Something has the focus."""
        self._keys.focus_came()

    def _hand_over(self) -> None:
        """What the board's composer still got after a line was sent from it belongs to the run."""
        coming, self._coming = self._coming, None
        if coming is not None and coming.is_mounted:
            coming.composer.insert(self.board.composer.text)
            self.board.composer.write("")

    # What screens ask for.

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Say something for a few seconds; `wrong` in the colour of errors. Any text is harmless."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, WorkstationScreen):
                screen.notice.say(text, wrong=wrong, width=self.size.width)
                return

    def say_error(self, error: StigmerError) -> None:
        """Say what went wrong and how to mend it."""
        self.say(str(error), wrong=True)

    def copy(self, text: str, *, what: str, cut: bool = False) -> None:
        """Copy a text; say that `what` was copied, and where `cut` that it is not all of it."""
        self.copy_to_clipboard(text)
        self.run_worker(asyncio.to_thread(copy_by_programs, text))
        self.say(f"Copied {what}{', cut: it is too long for a clipboard. v has all of it' if cut else ''}.")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy by the terminal, through a multiplexer where there is one."""
        self._clipboard = text
        if self._driver is not None and not self.is_headless:
            self._driver.write(osc52(text))

    def open_run(self, execution_id: str) -> None:
        """Show a run."""
        self._show(self._run_screen(execution_id))

    def start_run(self, agent: str, line: str) -> None:
        """Run something, and show it."""
        if self._coming is not None:
            self._coming.send_line(line)
            return
        self._coming = self._run_screen(Start(agent, line, self.workspace))
        self._show(self._coming)

    def choose_agent(self, slug: str) -> None:
        """Go to the board's composer, with this agent."""
        self.agent = slug
        while self.screen is not self.board and len(self.screen_stack) > 1:
            self.pop_screen()
        self.board.workspace_changed()
        self.board.set_focus(self.board.composer)

    async def run_command(self, *words: str) -> None:
        """Give the terminal to a `stigmer` command until it ends; what went wrong in it is said here too."""
        await self._away.run_command(*words)

    def keep_sending(self, sender: LineSender) -> None:
        """Have a sender send its lines until it is closed, whether its screen is still there or not."""
        self._senders.append(sender)
        self.run_worker(self._send_lines(sender))

    async def _send_lines(self, sender: LineSender) -> None:
        await sender.run(await self.client())
        self._senders.remove(sender)

    async def action_quit(self) -> None:
        """Leave; what was written and is on its way is waited for, and becomes a draft where it does not arrive."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                while any(sender.unsent for sender in self._senders):
                    self.say("Sending what was written …")
                    await asyncio.sleep(SENT_SECONDS)
        unsent = [line for sender in self._senders for line in sender.unsent]
        if unsent:
            self.board.take_back("\n".join(unsent))
        self.exit(0)

    def run_started(self, execution_id: str) -> None:
        """A run was started here: the list selects it."""
        self.board.table.select(execution_id)

    def not_started(self, line: str, error: StigmerError) -> None:
        """A run could not be started: back to the board, with what was written."""
        if self.screen is not self.board and isinstance(self.screen, WorkstationScreen):
            self.pop_screen()
        self.board.take_back(line)
        self.say_error(error)

    def _run_screen(self, start: Start | str) -> "RunScreen":
        from stigmer_tui.screens.run import RunScreen

        return RunScreen(self, start)

    def _show(self, screen: Screen[None]) -> None:
        """Put a screen in front; what is typed from now on is its."""
        self._keys.hold()
        self.push_screen(screen)

    async def attach(self, execution_id: str, terminal_id: str) -> None:
        """Give the terminal to a running program, until the person comes back."""
        await self._away.attach(await self.client(), execution_id, terminal_id)

    async def page(self, content: Callable[[], Iterable[bytes]], line: int) -> None:
        """Show a text in the person's pager, from a line on. `content` is called on a thread."""
        await self._away.page(content, line)

    # Actions.

    def action_library(self) -> None:
        """Show the library, once."""
        from stigmer_tui.screens.library import LibraryScreen

        if not isinstance(self.screen, LibraryScreen):
            self._show(LibraryScreen(self))

    def action_toggle_look(self) -> None:
        """Dark or light."""
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def action_redraw(self) -> None:
        """Draw everything anew: something else wrote to the terminal."""
        self.refresh(repaint=True, layout=True)
        for screen in self.screen_stack:
            screen.refresh(repaint=True, layout=True)

    def action_help(self) -> None:
        """What the keys do, what has the focus first."""
        screen = self.screen
        scopes: list[Scope] = []
        if isinstance(screen, ActionTargets):
            targets = screen.action_targets()
            scopes = sorted(targets, key=lambda scope: targets[scope] is not self.focused)
        self._show(HelpScreen([*scopes, Scope.APP]))

    def action_command_palette(self) -> None:
        """Find an action by its name."""
        self._keys.hold()
        super().action_command_palette()

    def action_how_to_leave(self) -> None:
        """For those who press ctrl+c by habit."""
        self.say("ctrl+q leaves; what runs goes on. ctrl+p lists what you can do.")

    # Failing.

    def _handle_exception(self, error: Exception) -> None:
        """Textual's way out, with our words."""
        self.crash.note(error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Close. The traceback is in the log."""
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Close. What Textual would print is a traceback: it goes to the log."""
        failure = sys.exception()
        if failure is not None:
            self.crash.note(failure)
        elif not self.crash.words:
            self.crash.note(RuntimeError("the terminal cannot be read any more"))
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        """`run_app` says the last words."""
        self._exit_renderables.clear()


def run_app(home: Home, *, workspace: Path | None = None) -> int:
    """Run the workstation in this terminal until the person leaves. Returns the exit code: 0, 70 where it failed, 128 + n after signal n.

    `workspace`: absolute directory that new sessions work in. Raises `HomeError` where the state's directory cannot be used.
    """
    home.prepare()
    app = StigmerApp(home, workspace=workspace)
    with _guarded(app):
        app.run()
    return _last_words(app)


async def run_prepared(app: StigmerApp) -> int:
    """The same with an app of one's own, in a loop that runs."""
    with _guarded(app):
        await app.run_async()
    return _last_words(app)


@contextmanager
def _guarded(app: StigmerApp) -> Generator[None]:
    try:
        with guarded_stderr(app.crash.path):
            yield
    except OSError as error:
        raise HomeError(
            f"{app.crash.path} cannot be written: {error.strerror}", remedy="make room, or mend its owner"
        ) from error


def _last_words(app: StigmerApp) -> int:
    if app.crash.words:
        sys.stderr.write(safe(Untrusted(app.crash.words), lines=True) + "\n")
        return EXIT_CODE
    return app.return_code or 0
