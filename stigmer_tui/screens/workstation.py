"""What a screen may ask of the app that it is in."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from stigmer_apis.client import Client


class WorkstationScreen(Screen[None]):
    """A screen that says things and knows how it stands with the server."""

    notice: Notice
    """Where it says things."""

    def __init__(self) -> None:
        super().__init__()
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (10, "-tall")]

    trouble: Notice
    """Where it says what keeps it from the server."""

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
