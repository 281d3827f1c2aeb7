"""The workstation: composes the screens and what is one for all of them. What it does is done in `frame`, by subject."""

import asyncio
import gc
import os
import select
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual._xterm_parser import XTermParser
from textual.await_complete import AwaitComplete
from textual.command import Provider
from textual.filter import LineFilter

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.palette import ActionProvider, FoundProvider
from stigmer_tui.actions.places import Completes
from stigmer_tui.actions.registry import Scope
from stigmer_tui.away import Away
from stigmer_tui.backends import chosen_remote, remote_at
from stigmer_tui.crash import CrashLog
from stigmer_tui.frame.connecting import Connecting
from stigmer_tui.frame.failing import guarded, last_words
from stigmer_tui.frame.following import SETTINGS_SECONDS
from stigmer_tui.frame.jumping import Jumping
from stigmer_tui.frame.last_place import LastPlace
from stigmer_tui.frame.leader import Leader
from stigmer_tui.frame.looks import Looks
from stigmer_tui.frame.lookup import Lookup
from stigmer_tui.frame.memory import Memory
from stigmer_tui.frame.navigation import HOME, Navigation
from stigmer_tui.frame.notifying import Notifying
from stigmer_tui.frame.runs import LEAVE_SECONDS, Runs
from stigmer_tui.frame.settings import LiveSettings
from stigmer_tui.frame.splitting import Splitting
from stigmer_tui.frame.terminal import Surroundings, mouse_is_safe
from stigmer_tui.frame.typing import TakesKeys
from stigmer_tui.held_keys import HeldKeys
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.sending import LineSender
from stigmer_tui.screens.workstation import WorkstationScreen
from stigmer_tui.terminal.clipboard import copy_by_programs, osc52
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.ascii_shapes import AsciiShapes, wants_ascii
from stigmer_tui.text.egress import EgressGuard
from stigmer_tui.text.times import Clock
from stigmer_tui.theme.sheet import Sheet
from stigmer_tui.widgets.composer.drafts import Drafts
from stigmer_tui.widgets.composer.history import History
from stigmer_tui.widgets.notice import MOST_ROWS, ROWS_AROUND

if TYPE_CHECKING:
    from stigmer_apis.client import Client
    from stigmer_apis.client.remote import Remote

SHELL = "shell"
"""The agent that needs no model: offered first."""
FOCUS_SECONDS = 0.5
HANGUP_SECONDS = 1.0
READ_ONLY = "read only: everything can be looked at, nothing changed"


class StigmerApp(TakesKeys):
    """The workstation."""

    TITLE = "Stigmer"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = HOME
    BINDINGS = bindings_of(Scope.APP)
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionProvider, FoundProvider}

    def __init__(
        self,
        home: Home,
        *,
        workspace: Path | None = None,
        clock: Clock = time,
        start_daemon: bool = True,
        read_only: bool = False,
        dark: bool = True,
        label: str = "",
        remote: "Callable[[], Remote | None] | None" = None,
    ) -> None:
        """`workspace`: where new sessions work. `start_daemon`: start one where none answers. `read_only`: look on, the server refuses every change.
        `dark`: whether the terminal's background is. `label`: what is said on top as long as all is well. `remote`: asked for the server
        on another machine, if it is to be that."""
        super().__init__()
        self.stylesheet = Sheet(variables=self.get_css_variables())
        self.typed_before = b""
        """What was typed before the app began: it is the app's."""
        self.home = home
        self.clock = clock
        self.workspace = workspace
        self.agent = SHELL
        self.read_only = read_only
        self.history = History(home.root / "history.jsonl")
        self.commands = History(home.root / "commands.jsonl")
        self.drafts = Drafts(home.root / "drafts.json")
        self.memory = Memory(home.root / "tui.json")
        self.crash = CrashLog(home.logs / "tui.log")
        self._guard = EgressGuard()
        self._shapes = [AsciiShapes()] if wants_ascii() else []
        self._connecting = Connecting(
            home,
            self._connection_changed,
            start_daemon=start_daemon,
            read_only=read_only,
            label=label or (READ_ONLY if read_only else ""),
            remote=remote,
        )
        self.animation_level = "none"
        self._looks = Looks(self, home.root / "themes", dark=dark)
        self.settings = LiveSettings(home)
        self._troubles = [*(self.settings.read() or ()), *self._looks.read_own()]
        self.take_settings()
        self.board = BoardScreen(self)
        self._away = Away(self)
        self._runs = Runs(self, self.board, lambda page, screen: self._navigation.go(page, screen))
        self._keys = HeldKeys(self, self.take_in_turn, self._runs.hand_over)
        self._leader = Leader(self, self.offered_actions, self.run_by_registry, self.say)
        self._jumping = Jumping(self, self.say)
        self._lookup = Lookup(
            self,
            {
                Completes.THEME: self._looks.named,
                Completes.VIEW: lambda: [(name, "") for name in self.board.view_names()],
            },
        )
        self._around = Surroundings(self, self.settings, self._write_to_terminal)
        self._notifying = Notifying(self._around.tell, self._around.counts)
        self._navigation = Navigation(
            self,
            Page("board", "runs", lambda: self.board, "runs"),
            hold_keys=self._keys.hold,
            pop=super().pop_screen,
            changed=self._places_changed,
        )
        self._splitting = Splitting(self, self._navigation)
        self._last_place = LastPlace(
            self.memory,
            self._navigation.commands,
            self.run_written,
            self._open_run_in_tab,
            self._navigation.go_to_tab,
        )

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, behind them the guard that no control code passes, and shapes in ASCII where the terminal has no others."""
        return [*super().get_line_filters(), self._guard, *self._shapes]

    def on_mount(self) -> None:
        """Listen to signals, and to the files of settings."""
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._told_to_leave, number)
            if self.console.color_system == "standard" and not self.console.no_color:
                self._looks.has_few_colours()
            self.set_interval(HANGUP_SECONDS, self._look_for_hangup)
        self.set_interval(SETTINGS_SECONDS, self.look_at_settings)
        if self.read_only:
            self.add_class("-read-only")
            self.set_interval(FOCUS_SECONDS, self.focus_something)
        for event in XTermParser().feed(self.typed_before.decode("utf-8", "replace")):
            if isinstance(event, events.Key):
                self.post_message(event)
        self.say_troubles()

    def on_unmount(self, event: events.Unmount) -> None:
        """Keep what was written."""
        self.board.keep_draft()
        self.drafts.save()
        if self.settings.remembers:
            self._last_place.keep()
        self.memory.save()

    def _look_for_hangup(self) -> None:
        """A closed terminal signals the leader of its session alone, which may be `make` and wait for the app."""
        looking = select.poll()
        looking.register(0, 0)
        if any(found & select.POLLHUP for _, found in looking.poll(0)):
            self._told_to_leave(signal.SIGHUP)

    def _told_to_leave(self, number: signal.Signals) -> None:
        code = 128 + number
        self.exit(code, return_code=code)
        deadline = threading.Timer(LEAVE_SECONDS, self._leave_at_once, [code])
        deadline.daemon = True
        deadline.start()

    def _leave_at_once(self, code: int) -> None:
        self.put_terminal_back()
        os._exit(code)

    def put_terminal_back(self) -> None:
        """Write what puts the terminal's title and progress back, where it is still there."""
        if not (self.is_headless or self.is_web) and self._around.put_back:
            with suppress(OSError):
                os.write(1, self._around.put_back.encode())

    def _write_to_terminal(self, sequence: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence.encode("ascii", "replace").decode() if self._shapes else sequence)

    def _open_run_in_tab(self, execution_id: str) -> None:
        self._navigation.open_tab(self._runs.page(execution_id))

    # The server.

    def connect(self) -> None:
        """Begin to connect; the board asks for it once it is drawn."""
        self.run_worker(partial(self._connecting.run, self._begin, self._notifying.run))

    def _begin(self) -> None:
        """The server answers for the first time, or again."""
        if not self._runs.begin() and self.settings.remembers:
            self.call_later(self._go_to_last_place)

    def _go_to_last_place(self) -> None:
        """Not under the hands of somebody who began to write: what they type would go to a place that they did not see."""
        if not self._keys.typed:
            self._last_place.go()
            self._keys.forget()

    async def client(self) -> "Client":
        """The client, once it is connected for the first time."""
        return await self._connecting.client()

    @property
    def connection_words(self) -> str:
        """What stands between this and the server, in words; empty while all is well."""
        return self._connecting.words

    @property
    def connection_lost(self) -> bool:
        """Whether that is a trouble, and not only the beginning."""
        return self._connecting.lost

    def _connection_changed(self) -> None:
        self.call_later(self._show_connection)

    def _show_connection(self) -> None:
        self._keys.came()
        for screen in self._workstation_screens():
            screen.show_connection(self)

    def _places_changed(self) -> None:
        self.call_later(self._show_tabs)

    def runs_changed(self) -> None:
        """See `Workstation`."""
        self.call_later(self._say_tabs)

    def _show_tabs(self) -> None:
        self.arrange_places()
        self._say_tabs()

    def _say_tabs(self) -> None:
        words = self.tab_words()
        for screen in self._workstation_screens():
            screen.tab_strip.show(words)

    def _workstation_screens(self) -> list[WorkstationScreen]:
        """Those of the tab in front."""
        return [screen for screen in self.screen_stack if isinstance(screen, WorkstationScreen) and screen.is_mounted]

    # What screens ask for.

    def say(self, text: str, *, wrong: bool = False, whole: bool = False) -> None:
        """Say something for a few seconds; `wrong` in the colour of errors, `whole` where it is a list to read. Any text is harmless."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, WorkstationScreen):
                most = max(MOST_ROWS, screen.size.height - ROWS_AROUND) if whole else MOST_ROWS
                screen.notice.say(text, wrong=wrong, width=screen.size.width, most=most)
                return

    def say_error(self, error: StigmerError) -> None:
        """Say what went wrong and how to mend it."""
        self.say(str(error), wrong=True)

    def copy(self, text: str, *, what: str, cut: bool = False) -> None:
        """Copy a text; say that `what` was copied, and where `cut` that it is not all of it."""
        self.copy_to_clipboard(text)
        self.run_worker(partial(asyncio.to_thread, partial(copy_by_programs, text)))
        self.say(f"Copied {what}{', cut: it is too long for a clipboard. v has all of it' if cut else ''}.")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy by the terminal, through a multiplexer where there is one."""
        self._clipboard = text
        self._write_to_terminal(osc52(text))

    def pop_screen(self) -> AwaitComplete:
        """Close what is in front: a page goes back to the one before it."""
        if isinstance(self.screen, WorkstationScreen):
            return self._navigation.leave()
        return super().pop_screen()

    def open_run(self, execution_id: str) -> None:
        """Show a run."""
        self.open_page(self._runs.page(execution_id))

    def start_run(self, agent: str, line: str, workspace: Path | None = None) -> None:
        """Run something, and show it; `workspace`: somewhere else than where new sessions work."""
        self._runs.start(agent, line, workspace)

    def start_with(self, agent: str, line: str) -> None:
        """Run something as soon as the server answers, and show it."""
        self._runs.start_first(agent, line)

    def open_first(self, execution_id: str) -> None:
        """Show a run as soon as the server answers."""
        self._runs.open_first(execution_id)

    async def run_command(self, *words: str) -> None:
        """Give the terminal to a `stigmer` command until it ends; what went wrong in it is said here too."""
        await self._away.run_command(*words)

    def keep_sending(self, sender: LineSender) -> None:
        """Have a sender send its lines until it is closed, whether its screen is still there or not."""
        self._runs.keep_sending(sender)

    def run_started(self, execution_id: str) -> None:
        """A run was started here: the list selects it."""
        self.board.table.select(execution_id)

    def not_started(self, line: str, error: StigmerError) -> None:
        """A run could not be started: back to the board, with what was written."""
        self._navigation.home()
        self._runs.not_started(line, error)

    async def attach(self, execution_id: str, terminal_id: str) -> None:
        """Give the terminal to a running program, until the person comes back."""
        await self._away.attach(await self.client(), execution_id, terminal_id)

    async def edit(self, text: str) -> str | None:
        """Let the person change a text in their own editor; None where it is to stay as it was."""
        return await self._away.edit(text)

    async def page(self, content: Callable[[], Iterable[bytes]], line: int) -> None:
        """Show a text in the person's pager, from a line on. `content` is called on a thread."""
        await self._away.page(content, line)

    # Actions.

    async def action_quit(self) -> None:
        """Leave; what was written and is on its way is waited for, and becomes a draft where it does not arrive."""
        await self._runs.send_the_rest()
        self.exit(0)


def run_app(
    home: Home,
    *,
    workspace: Path | None = None,
    read_only: bool = False,
    open_run: str = "",
    mouse: bool = True,
    dark: bool = True,
    typed: bytes = b"",
    remote: str = "",
) -> int:
    """Run the workstation in this terminal until the person leaves. Returns the exit code: 0, 70 where it failed, 128 + n after signal n.

    `workspace`: absolute directory that new sessions work in. `open_run`: id of a run that is shown first. `dark`: whether the terminal's background is.
    `typed`: what was typed before it began. `remote`: address of a server on another machine. Raises `HomeError` where the state's directory cannot be used.
    """
    home.prepare()
    app = StigmerApp(
        home,
        workspace=workspace,
        read_only=read_only,
        dark=dark,
        label=f"on {safe(Untrusted(remote))}" if remote else "",
        remote=lambda: remote_at(home, remote) if remote else chosen_remote(home),
    )
    if open_run:
        app.open_first(open_run)
    app.typed_before = typed
    # what is loaded by now stays: to look through it again for what is over would stop the screen for a moment
    gc.freeze()
    with guarded(app):
        app.run(mouse=mouse and mouse_is_safe() and (app.settings.are_defaults or app.settings.tui.mouse))
    return last_words(app)


async def run_prepared(app: StigmerApp) -> int:
    """The same with an app of one's own, in a loop that runs."""
    with guarded(app):
        await app.run_async()
    return last_words(app)
