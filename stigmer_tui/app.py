"""The workstation: composes the screens and what is one for all of them. What it does is done in `frame`, by subject."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.command import Provider
from textual.filter import LineFilter

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.palette import ActionProvider, ActionTargets
from stigmer_tui.actions.registry import Scope
from stigmer_tui.away import Away
from stigmer_tui.crash import CrashLog
from stigmer_tui.frame.connecting import Connecting
from stigmer_tui.frame.failing import FailsQuietly, guarded, last_words
from stigmer_tui.frame.navigation import Navigation
from stigmer_tui.frame.runs import LEAVE_SECONDS, Runs
from stigmer_tui.held_keys import HeldKeys
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.help import HelpScreen
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.sending import LineSender
from stigmer_tui.screens.workstation import WorkstationScreen
from stigmer_tui.terminal.clipboard import copy_by_programs, osc52
from stigmer_tui.text.egress import EgressGuard
from stigmer_tui.text.times import Clock
from stigmer_tui.theme.looks import ANSI_DARK, ANSI_LIGHT, DARK, LIGHT
from stigmer_tui.widgets.composer.drafts import Drafts
from stigmer_tui.widgets.composer.history import History

if TYPE_CHECKING:
    from stigmer_apis.client import Client

SHELL = "shell"
"""The agent that needs no model: offered first."""


class StigmerApp(FailsQuietly):
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
        self.home = home
        self.clock = clock
        self.workspace = workspace
        self.agent = SHELL
        self.history = History(home.root / "history.jsonl")
        self.drafts = Drafts(home.root / "drafts.json")
        self.crash = CrashLog(home.logs / "tui.log")
        self._guard = EgressGuard()
        self._connecting = Connecting(home, self._connection_changed, start_daemon=start_daemon, label=label)
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.ansi_theme_dark, self.ansi_theme_light = ANSI_DARK, ANSI_LIGHT
        self.theme = DARK.name
        self.board = BoardScreen(self)
        self._away = Away(self)
        self._runs = Runs(self, self.board, lambda page, screen: self._navigation.go(page, screen))
        self._keys = HeldKeys(self, super().on_event, self._runs.hand_over)
        self._navigation = Navigation(
            self,
            Page("board", "board", lambda: self.board, "runs"),
            hold_keys=self._keys.hold,
            pop=super().pop_screen,
        )

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and behind them the guard that no control code passes."""
        return [*super().get_line_filters(), self._guard]

    def on_mount(self) -> None:
        """Show the board."""
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self._told_to_leave, number)
        self.push_screen(self.board)

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

    # The server.

    def connect(self) -> None:
        """Begin to connect; the board asks for it once it is drawn."""
        self.run_worker(self._connecting.run(self._runs.begin))

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
        for screen in self.screen_stack:
            if isinstance(screen, WorkstationScreen) and screen.is_mounted:
                screen.show_connection(self)

    # Keys.

    async def on_event(self, event: events.Event) -> None:
        """Keys that were typed while a screen comes are the screen's: they wait for it."""
        if not self._keys.keeps(event):
            await super().on_event(event)

    def on_descendant_focus(self) -> None:
        """Something has the focus."""
        self._keys.focus_came()

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

    def open_page(self, page: Page) -> None:
        """Put a page in front; what is typed from now on is its."""
        self._navigation.go(page)

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

    def choose_agent(self, slug: str) -> None:
        """Go to the board's composer, with this agent."""
        self.agent = slug
        self._navigation.home()
        self.board.workspace_changed()
        self.board.set_focus(self.board.composer)

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

    def action_library(self) -> None:
        """Show the library, once."""
        from stigmer_tui.screens.library import LibraryScreen

        self.open_page(Page("library", "library", lambda: LibraryScreen(self), "library"))

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
        self._keys.hold()
        self.push_screen(HelpScreen([*scopes, Scope.APP]))

    def action_command_palette(self) -> None:
        """Find an action by its name."""
        self._keys.hold()
        super().action_command_palette()

    def action_how_to_leave(self) -> None:
        """For those who press ctrl+c by habit."""
        self.say("ctrl+q leaves; what runs goes on. ctrl+p lists what you can do.")


def run_app(home: Home, *, workspace: Path | None = None) -> int:
    """Run the workstation in this terminal until the person leaves. Returns the exit code: 0, 70 where it failed, 128 + n after signal n.

    `workspace`: absolute directory that new sessions work in. Raises `HomeError` where the state's directory cannot be used.
    """
    home.prepare()
    app = StigmerApp(home, workspace=workspace)
    with guarded(app.crash):
        app.run()
    return last_words(app)


async def run_prepared(app: StigmerApp) -> int:
    """The same with an app of one's own, in a loop that runs."""
    with guarded(app.crash):
        await app.run_async()
    return last_words(app)
