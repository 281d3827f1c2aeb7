"""What a screen may ask of the app that it is in."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual._context import active_app
from textual.app import App
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.sending import LineSender
from stigmer_tui.text.times import Clock
from stigmer_tui.widgets.approval.card import ApprovalCard
from stigmer_tui.widgets.beside import Beside
from stigmer_tui.widgets.composer.drafts import Drafts
from stigmer_tui.widgets.composer.history import History
from stigmer_tui.widgets.notice import Notice
from stigmer_tui.widgets.tab_strip import TabStrip, TabWords

if TYPE_CHECKING:
    from stigmer_apis.client import Client

_front = attrgetter("app.screen")


class WorkstationScreen(Screen[None]):
    """A screen that says things, knows how it stands with the server, and has the tabs on top where there are some."""

    notice: Notice
    """Where it says things."""

    def __init__(self) -> None:
        super().__init__()
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (10, "-tall")]
        self.tab_strip = TabStrip(self._tab_chosen)
        self._beside = Beside(self._go_there, "alt+i goes there")
        self._own_columns: int | None = None
        """How wide it is where another place stands beside it."""
        self._seen_beside = False
        self._resting: Widget | None = None
        """What had the focus before another place got the keys."""
        self._own_breakpoints = self.HORIZONTAL_BREAKPOINTS

    @property
    def coming(self) -> bool:
        """Whether what its keys are for is still fetched: they wait for it. Whoever has it tells `Workstation.list_came`."""
        return False

    trouble: Notice
    """Where it says what keeps it from the server."""

    @on(events.Mount)
    def put_tabs_on_top(self) -> None:
        """The strip is not shown before there are two."""
        self.mount(self.tab_strip, self._beside, before=0)

    @on(events.ScreenResume)
    def catch_up(self) -> None:
        """What changed while another screen was in front."""
        for card in self.query(ApprovalCard):
            card.returned()
        app: object = active_app.get()
        if isinstance(app, Workstation):
            self.show_connection(app)
            self.tab_strip.show(app.tab_words())
            app.arrange_places()
            if app.read_only and (self.focused is None or not self.focused.display):
                self.call_after_refresh(self.focus_next)

    # Beside another place.

    @property
    def size(self) -> Size:
        """What it has of the terminal."""
        whole = super().size
        return whole if self._own_columns is None else Size(min(self._own_columns, whole.width), whole.height)

    @property
    def is_current(self) -> bool:
        """Whether it is seen: then it is laid out and drawn as it changes. A place that another one covers is not, whatever changes in it."""
        return self._seen_beside or (super().is_current and not self._covered)

    @property
    def _covered(self) -> bool:
        front: object = _front(self)
        return front is not self and isinstance(front, WorkstationScreen)

    @property
    def in_front(self) -> bool:
        """Whether it is seen and has the keys, or what lies over it has."""
        return super().is_current

    def stand_beside(self, other: "WorkstationScreen", width: int, *, left: bool) -> None:
        """Leave `width` cells at one side for another place."""
        self._beside.show(other, width, left=left)
        self._lay_out_in(super().size.width - width, aside=False)

    def stand_aside(self, width: int) -> None:
        """Be drawn in `width` cells by the one that has the keys."""
        self._beside.hide()
        self._lay_out_in(width, aside=True)

    def stand_alone(self) -> None:
        """Have the whole terminal again."""
        self._beside.hide()
        self._lay_out_in(None, aside=False)

    def _lay_out_in(self, columns: int | None, *, aside: bool) -> None:
        self._rest(aside=aside)
        self._own_columns, self._seen_beside = columns, aside
        if not self._own_breakpoints:
            self._own_breakpoints = self.HORIZONTAL_BREAKPOINTS
        laid_out = self._laid_out
        missing = laid_out.width - (columns if columns is not None else laid_out.width)
        self.HORIZONTAL_BREAKPOINTS = [
            (width + missing if width else 0, name) for width, name in self._own_breakpoints or ()
        ]
        self.post_message(events.Resize(laid_out, laid_out))

    def _rest(self, *, aside: bool) -> None:
        """Nothing has the focus where no key arrives, so that no cursor says otherwise; it comes back with the keys."""
        if aside and self.focused is not None:
            self._resting = self.focused
            self.set_focus(None)
        elif not aside and self._resting is not None:
            resting, self._resting = self._resting, None
            if self.focused is None and resting.is_mounted:
                self.set_focus(resting)

    def _go_there(self) -> None:
        app: object = active_app.get()
        if isinstance(app, Workstation):
            app.action_other_place()

    def on_resize(self, event: events.Resize) -> None:
        """Another terminal, other halves. What was said of a size that it has no more would be answered by another such event, for ever."""
        if event.size != self._laid_out:
            event.prevent_default().stop()
            return
        app: object = active_app.get()
        if isinstance(app, Workstation) and not self._seen_beside:
            app.arrange_places()

    @property
    def _laid_out(self) -> Size:
        """The size that its parts share: all of the terminal, but where another place draws it."""
        whole = super().size
        return Size(self._own_columns, whole.height) if self._seen_beside and self._own_columns else whole

    def _tab_chosen(self, number: int) -> None:
        app: object = active_app.get()
        if isinstance(app, Workstation):
            app.action_tab_at(number + 1)

    def show_connection(self, app: "Workstation") -> None:
        """Say how it stands with the server; nothing while all is well."""
        if app.connection_words:
            self.trouble.say(app.connection_words, wrong=app.connection_lost, width=self.size.width, stays=True)
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
    looked_at = True
    """Whether somebody looks at the terminal, by what it said last: `app_focus` follows once the keys in front of that are done."""

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
    def say(self, text: str, *, wrong: bool = False, whole: bool = False) -> None:
        """Say something for a few seconds; `wrong` in the colour of errors, `whole` where it is a list to read. Any text is harmless."""

    @abstractmethod
    def say_error(self, error: StigmerError) -> None:
        """Say what went wrong and how to mend it."""

    @abstractmethod
    def copy(self, text: str, *, what: str, cut: bool = False) -> None:
        """Copy a text; say that `what` was copied, and where `cut` that it is not all of it."""

    @abstractmethod
    def await_list(self) -> None:
        """What is typed from now on is for what the place in front fetches, as long as it is `coming`."""

    @abstractmethod
    def list_came(self) -> None:
        """A place has what it fetched, or knows that it does not get it."""

    @abstractmethod
    def open_page(self, page: Page) -> None:
        """Put a page in front; back and forward know it from then on."""

    @abstractmethod
    def open_run(self, execution_id: str) -> None:
        """Show a run."""

    @abstractmethod
    def open_workflow(self, name: str, *, run: bool = False) -> None:
        """Show a stored workflow, by its name or id; `run`: have its input written at once."""

    @abstractmethod
    def start_run(self, agent: str, line: str, workspace: Path | None = None) -> None:
        """Run something, and show it; `workspace`: somewhere else than where new sessions work."""

    read_only: bool
    """Whether the server refuses every change from here."""

    @abstractmethod
    def tab_words(self) -> Sequence[TabWords]:
        """What the strip of tabs says."""

    @abstractmethod
    def runs_changed(self) -> None:
        """Something is known of a run: tabs may say something else."""

    @abstractmethod
    def action_tab_at(self, number: int) -> None:
        """Put a tab in front, from 1."""

    @abstractmethod
    def action_other_place(self) -> None:
        """Go to the place beside this one."""

    @abstractmethod
    def arrange_places(self) -> None:
        """Have what is seen stand as it should: a place alone, or two beside each other."""

    @abstractmethod
    def split(self, words: Sequence[str]) -> None:
        """Put what a `:` command leads to beside this place; without words, the next tab."""

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
