"""What a screen may ask of the app that it is in."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual._context import active_app
from textual.app import App
from textual.screen import Screen

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.sending import LineSender
from stigmer_tui.text.times import Clock
from stigmer_tui.widgets.composer.drafts import Drafts
from stigmer_tui.widgets.composer.history import History
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.tab_strip import TabStrip, TabWords

if TYPE_CHECKING:
    from stigmer_apis.client import Client


class WorkstationScreen(Screen[None]):
    """A screen that says things, knows how it stands with the server, and has the tabs on top where there are some."""

    notice: Notice
    """Where it says things."""

    def __init__(self) -> None:
        super().__init__()
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (10, "-tall")]
        self.tab_strip = TabStrip(self._tab_chosen)

    trouble: Notice
    """Where it says what keeps it from the server."""

    @on(events.Mount)
    def put_tabs_on_top(self) -> None:
        """The strip is not shown before there are two."""
        self.mount(self.tab_strip, before=0)

    @on(events.ScreenResume)
    def catch_up(self) -> None:
        """What changed while another screen was in front."""
        app: object = active_app.get()
        if isinstance(app, Workstation):
            self.show_connection(app)
            self.tab_strip.show(app.tab_words())
            if app.read_only and (self.focused is None or not self.focused.display):
                self.call_after_refresh(self.focus_next)

    def _tab_chosen(self, number: int) -> None:
        app: object = active_app.get()
        if isinstance(app, Workstation):
            app.action_tab_at(number + 1)

    def show_connection(self, app: "Workstation") -> None:
        """Say how it stands with the server; nothing while all is well."""
        if app.connection_words:
            self.trouble.say(app.connection_words, wrong=app.connection_lost, width=app.size.width, stays=True)
        else:
            self.trouble.hide()


class Workstation(App[int]):
    """The app, as its screens know it."""

    home: Home
    """Whose state is shown."""
    clock: Clock
    """What time it is."""
    history: History
    """What was written before, in all composers."""
    drafts: Drafts
    """What was written and not sent."""
    workspace: Path | None
    """Where new sessions work; None: in a directory of their own."""
    agent: str
    """Slug of the agent that the next run is started with."""

    @property
    @abstractmethod
    def connection_words(self) -> str:
        """What stands between this and the server, in words; empty while all is well."""

    @property
    @abstractmethod
    def connection_lost(self) -> bool:
        """Whether that is a trouble, and not only the beginning."""

    @abstractmethod
    def connect(self) -> None:
        """Begin to connect. Loading what that takes needs a moment: called once the first screen is drawn."""

    @abstractmethod
    async def client(self) -> "Client":
        """The client, once it is connected for the first time."""

    @abstractmethod
    def say(self, text: str, *, wrong: bool = False) -> None:
        """Say something for a few seconds; `wrong` in the colour of errors. Any text is harmless."""

    @abstractmethod
    def say_error(self, error: StigmerError) -> None:
        """Say what went wrong and how to mend it."""

    @abstractmethod
    def copy(self, text: str, *, what: str, cut: bool = False) -> None:
        """Copy a text; say that `what` was copied, and where `cut` that it is not all of it."""

    @abstractmethod
    def open_page(self, page: Page) -> None:
        """Put a page in front; back and forward know it from then on."""

    @abstractmethod
    def open_run(self, execution_id: str) -> None:
        """Show a run."""

    @abstractmethod
    def start_run(self, agent: str, line: str, workspace: Path | None = None) -> None:
        """Run something, and show it; `workspace`: somewhere else than where new sessions work."""

    read_only: bool
    """Whether the server refuses every change from here."""

    @abstractmethod
    def tab_words(self) -> Sequence[TabWords]:
        """What the strip of tabs says."""

    @abstractmethod
    def action_tab_at(self, number: int) -> None:
        """Put a tab in front, from 1."""

    @abstractmethod
    def open_tab(self, words: Sequence[str]) -> None:
        """What a `:` command leads to, in a tab of its own; without words this place."""

    @abstractmethod
    def show_board(self, filter: str | None) -> None:
        """Go to the board; `filter` as one writes it there, None: as it is."""

    @abstractmethod
    def show_view(self, name: str) -> None:
        """Go to the board as a saved view shows it; without a name, to the list of views."""

    @abstractmethod
    def show_library(self, kind: str, text: str) -> None:
        """Go to a kind in the library, such as `agent`; only what contains a text."""

    @abstractmethod
    def run_written(self, line: str) -> None:
        """Do what a `:` command says; what does not work is said."""

    @abstractmethod
    def shown_columns(self) -> Sequence[str]:
        """Names of the columns that the list of runs shows, from left to right."""

    @abstractmethod
    def choose_theme(self, name: str) -> None:
        """Another look; without a name, from a list."""

    @abstractmethod
    def choose_agent(self, slug: str) -> None:
        """Start the next run with this agent: go to where one writes to it."""

    @abstractmethod
    async def run_command(self, *words: str) -> None:
        """Give the terminal to a `stigmer` command until it ends."""

    @abstractmethod
    def keep_sending(self, sender: LineSender) -> None:
        """Have a sender send its lines until it is closed, whether its screen is still there or not."""

    @abstractmethod
    def run_started(self, execution_id: str) -> None:
        """A run was started here: the list selects it."""

    @abstractmethod
    def not_started(self, line: str, error: StigmerError) -> None:
        """A run could not be started: back to the board, with what was written."""

    @abstractmethod
    @abstractmethod
    def open_workflow(self, name: str, *, run: bool = False) -> None:
        """Show a stored workflow, by its name or id; `run`: have its input written at once."""

    def action_how_to_leave(self) -> None:
        """Say how to leave."""

    @abstractmethod
    async def attach(self, execution_id: str, terminal_id: str) -> None:
        """Give the terminal to a running program, until the person comes back."""

    @abstractmethod
    async def edit(self, text: str) -> str | None:
        """Let the person change a text in their own editor; None where it is to stay as it was."""

    @abstractmethod
    async def page(self, content: Callable[[], Iterable[bytes]], line: int) -> None:
        """Show a text in the person's pager, from a line on. `content` is called on a thread."""
