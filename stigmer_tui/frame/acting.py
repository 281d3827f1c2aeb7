"""The actions that work everywhere, and `:` commands."""

import shlex
from collections.abc import Sequence
from importlib import import_module
from typing import cast

from textual._node_list import DuplicateIds
from textual.dom import DOMNode
from textual.screen import Screen

from stigmer_tui.actions.commands import Command, understand
from stigmer_tui.actions.palette import ActionTargets
from stigmer_tui.actions.places import CommandRefused, Completes, Opener, Place
from stigmer_tui.actions.read_only import REFUSED, changes
from stigmer_tui.actions.registry import ACTIONS, Action, Scope, actions_of
from stigmer_tui.frame.failing import FailsQuietly
from stigmer_tui.frame.jumping import Jumping
from stigmer_tui.frame.leader import Leader
from stigmer_tui.frame.lookup import Lookup
from stigmer_tui.frame.navigation import MOST_TABS, Navigation
from stigmer_tui.frame.runs import Runs
from stigmer_tui.frame.settings import LiveSettings
from stigmer_tui.frame.splitting import LEAST, Splitting
from stigmer_tui.held_keys import HeldKeys
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.command import CommandScreen
from stigmer_tui.screens.help import HelpScreen
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.workstation import WorkstationScreen
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.command.palette import Palette
from stigmer_tui.widgets.composer.history import History
from stigmer_tui.widgets.tab_strip import TabWords


class Acts(FailsQuietly):
    """An app with what works everywhere. `StigmerApp` makes the parts."""

    board: BoardScreen
    commands: History
    settings: LiveSettings
    _keys: HeldKeys
    _navigation: Navigation
    _splitting: Splitting
    _runs: Runs
    _leader: Leader
    _jumping: Jumping
    _lookup: Lookup
    _in_new_tab = False
    """Whether the page that is opened next has a tab of its own."""

    def leave_broken(self, screen: Screen[object]) -> bool:
        """Go back from a place that failed as a whole; the list of runs is the one that cannot be left."""
        if screen is not self.screen or screen is self.board or not isinstance(screen, WorkstationScreen):
            return False
        self.call_later(self.pop_screen)
        self.call_later(self.say, f"This place failed. What happened is written in {self.crash.path}.", wrong=True)
        return True

    # What works now.

    def offered_actions(self, over: Screen[object] | None = None) -> list[tuple[Action, DOMNode, bool]]:
        """The actions that work now, who carries each out, and whether it belongs to a place on the screen. What has the focus comes first.

        `over`: the screen beneath, where something lies over it.
        """
        screen = over or self.screen
        targets = dict(screen.action_targets()) if isinstance(screen, ActionTargets) else {}
        scopes = sorted(targets, key=lambda scope: targets[scope] is not screen.focused)
        found = [
            (action, targets[scope], True)
            for scope in scopes
            for action in actions_of(scope)
            if not (self.read_only and changes(action))
        ]
        app = cast("DOMNode", self)
        absent = {f"app.tab_{number}" for number in range(max(2, len(self._navigation.tabs) + 1), 10)}
        if len(self._navigation.tabs) < 2:
            absent |= {"app.tab_1", "app.tab_next", "app.tab_previous", "app.tab_close"}
        return [*found, *((action, app, False) for action in actions_of(Scope.APP) if action.id not in absent)]

    async def run_by_registry(self, action: Action, target: DOMNode) -> None:
        """Carry an action out."""
        await self.run_action(action.handler, target)

    def focus_something(self) -> None:
        """Where nobody writes, the list or the output has the focus as soon as it is there, and not a composer that is not shown."""
        hidden = self.focused is None or not self.focused.size.area
        if self.app_focus and hidden and self.screen.focus_chain:
            self.screen.focus_next()

    # Commands.

    def action_command_line(self) -> None:
        """Write a command."""
        self.ask_for_command("")

    def ask_for_command(self, written: str) -> None:
        """Open the command line with something written in it."""
        self._keys.hold()
        self.push_screen(CommandScreen(self.commands, self._lookup.names, written), self._commanded)

    def _commanded(self, command: Command | None) -> None:
        if command is not None:
            self.run_command_line(command)

    def run_command_line(self, command: Command) -> None:
        """Do what a command says; what does not work is said."""
        match command.what:
            case Place(opens=opens):
                module, _, name = opens.partition(":")
                opener = cast("Opener", getattr(import_module(module), name))
                try:
                    opener(self, command.words)
                except CommandRefused as refused:
                    self.say(str(refused), wrong=True)
            case Action() as action:
                self._run_where_it_works(action)

    def run_written(self, line: str) -> None:
        """Do what a `:` command says."""
        try:
            self.run_command_line(understand(line))
        except CommandRefused as refused:
            self.say(str(refused), wrong=True)

    async def find_names(self) -> list[tuple[str, str, str, str]]:
        """Runs, agents and sessions by name, for the palette."""
        found: list[tuple[str, str, str, str]] = []
        kinds = (
            ("run", Completes.RUN),
            ("agent", Completes.AGENT),
            ("workflow", Completes.WORKFLOW),
            ("session", Completes.SESSION),
        )
        for what, wanted in kinds:
            for name, words in await self._lookup.names(wanted):
                found.append((what, name, words, f"{what} {shlex.quote(name)}"))
        return found

    def _run_where_it_works(self, action: Action) -> None:
        for offered, target, _ in self.offered_actions():
            if offered is action:
                self.call_later(self.run_by_registry, action, target)
                return
        if self.read_only and changes(action):
            self.say(REFUSED, wrong=True)
            return
        self.say(f"`{action.id}` works elsewhere: {action.scope.value.lower()}.", wrong=True)

    def would_change(self, key: str) -> bool:
        """Whether the key changes something here, were it not that this workstation only looks on."""
        if not self.read_only or key in self.screen.active_bindings or not isinstance(self.screen, ActionTargets):
            return False
        here = (action for scope in self.screen.action_targets() for action in actions_of(scope))
        return any(changes(action) and key in self.settings.keymap.keys_of(action) for action in here)

    def show_board(self, filter: str | None) -> None:
        """Go to the board, filtered."""
        self._navigation.home()
        if filter is not None:
            self.board.show_only(filter)

    def show_view(self, name: str) -> None:
        """Go to the board as a saved view shows it."""
        self._navigation.home()
        if name:
            self.board.show_view(name)
        else:
            self.run_written("board.views")

    def shown_columns(self) -> Sequence[str]:
        """What the list of runs shows."""
        return self.board.table.chosen

    def open_workflow(self, name: str, *, run: bool = False) -> None:
        """Show a stored workflow; `run`: have its input written at once."""
        from stigmer_tui.screens.workflow_definition import DefinitionScreen

        if isinstance(self.screen, DefinitionScreen) and self.screen.shown_name == name:
            if run:
                self.screen.ask_input()
            return
        first = [run]

        def make() -> DefinitionScreen:
            """Coming back to it asks for nothing."""
            return DefinitionScreen(self, name, run=bool(first) and first.pop())

        address = f"workflow {shlex.quote(name)}"
        self.open_page(Page(f"workflow:{name}", safe(Untrusted(name)), make, address))

    def show_library(self, kind: str, text: str) -> None:
        """Go to a kind in the library."""
        from stigmer_tui.screens.library import LibraryScreen

        if isinstance(self.screen, LibraryScreen) and not self._in_new_tab:
            self.screen.show_kind(kind, text)
        else:
            self.open_page(
                Page("library", "library", lambda: LibraryScreen(self, kind, text), f"{kind.replace('_server', '')}s")
            )

    def open_tab(self, words: Sequence[str]) -> None:
        """What a command leads to in a tab of its own; without words this place, and on the board the selected run."""
        page = self._navigation.tab.page
        if words:
            try:
                command = understand(shlex.join(words))
            except CommandRefused as refused:
                self.say(str(refused), wrong=True)
                return
            self._in_new_tab = True
            self.run_command_line(command)
            self._in_new_tab = False
            return
        selected = self.board.table.selected
        if page.key == "board" and selected is not None:
            page = self._runs.page(selected.execution_id)
        if page.key == "board":
            self.say("The list has its tab. Select a run to open it in a new one.")
            return
        self._tab_of(page)

    def open_page(self, page: Page) -> None:
        """Put a page in front; what is typed from now on is its."""
        if isinstance(
            self.screen, Palette | CommandScreen | HelpScreen
        ):  # what comes unasked ends what lies over the place
            self.screen.dismiss(None)
        if self._in_new_tab:
            self._tab_of(page)
        else:
            self._navigation.go(page)

    def _tab_of(self, page: Page) -> None:
        if not self._navigation.open_tab(page):
            self.say(f"There are {MOST_TABS} tabs, the most that can be. Close one first.")

    def choose_agent(self, slug: str) -> None:
        """Go to the board's composer, with this agent."""
        self.agent = slug
        self._navigation.home()
        self.board.workspace_changed()
        self.board.set_focus(self.board.composer)

    # Actions.

    def action_board(self) -> None:
        """Go to the list of runs."""
        self._navigation.home()

    def action_library(self) -> None:
        """Show the library, once."""
        from stigmer_tui.screens.library import LibraryScreen

        self.open_page(Page("library", "library", lambda: LibraryScreen(self), "agents"))

    def action_logs(self) -> None:
        """Show the logs of the server and the runner."""
        self.run_written("logs")

    def action_settings(self) -> None:
        """What is set, and how to change it."""
        self.run_written("settings")

    async def action_back(self) -> None:
        """Go back."""
        if not self._navigation.back():
            self.say("There is nothing before this.")

    def action_forward(self) -> None:
        """Go forward."""
        if not self._navigation.forward():
            self.say("There is nothing after this.")

    def action_tab_new(self) -> None:
        """This place in a tab of its own."""
        self.open_tab(())

    def action_tab_next(self, step: int) -> None:
        """The next tab."""
        if len(self._navigation.tabs) < 2:
            self.say("There is one tab. alt+t opens another.")
        self._navigation.next_tab(step)

    def action_tab_at(self, number: int) -> None:
        """A tab, from 1."""
        if not self._navigation.go_to_tab(number - 1):
            self.say(f"There is no tab {number}.")

    def action_tab_close(self) -> None:
        """Close the tab."""
        if self._navigation.close_tab() is None:
            self.say("The first tab stays. ctrl+q leaves the workstation.")

    # Two places.

    def arrange_places(self) -> None:
        """Two beside each other, or one alone."""
        self._splitting.arrange()

    def split(self, words: Sequence[str]) -> None:
        """What a command leads to beside this place; without words the next tab."""
        here = self._navigation.tab
        if self.size.width < LEAST:
            self.say(f"Two places need {LEAST} columns: this terminal has {self.size.width}.")
            return
        if words or len(self._navigation.tabs) < 2:
            self.open_tab(words)
            opened = self._navigation.tab
            if opened is here:
                return
            if not words:
                self._navigation.home()
                self._navigation.go_to_tab(self._navigation.tabs.index(opened))
            self._splitting.begin(here, opened)
        else:
            tabs = self._navigation.tabs
            self._splitting.begin(here, tabs[(tabs.index(here) + 1) % len(tabs)])

    def action_split(self) -> None:
        """Two places beside each other, or one alone again."""
        if self._splitting.other is not None:
            self._splitting.end()
        else:
            self.split(())

    def action_other_place(self) -> None:
        """Go to the place beside this one."""
        if not self._splitting.go_there():
            self.say("Nothing stands beside this. alt+d puts the next tab there.")

    def tab_words(self) -> list[TabWords]:
        """What the strip says: the run's words where the server told of it."""
        words: list[TabWords] = []
        for tab in self._navigation.tabs:
            execution_id = tab.page.command.removeprefix("run ")
            row = self.board.feed.live.get(execution_id)
            title = self._runs.title_of(execution_id) or tab.page.title
            attention = row is not None and bool(row.attention_count)
            words.append(TabWords(title, tab is self._navigation.tab, row is not None, attention))
        return words

    def action_leader(self) -> None:
        """The next keys lead somewhere."""
        self._leader.begin()

    def action_jump(self) -> None:
        """Show the labels."""
        self._jumping.begin()

    def action_zoom(self) -> None:
        """The whole screen for what has the focus, and back."""
        if self._splitting.other is not None:
            self._splitting.zoom()
        elif self.screen.maximized is not None:
            self.screen.minimize()
        elif self.focused is not None:
            self.screen.maximize(self.focused, container=False)

    def action_redraw(self) -> None:
        """Draw everything anew: something else wrote to the terminal."""
        self.refresh(repaint=True, layout=True)
        for screen in self.screen_stack:
            screen.refresh(repaint=True, layout=True)

    def action_help(self) -> None:
        """What the keys do, what has the focus first."""
        self._keys.hold()
        self.push_screen(HelpScreen(self.offered_actions(), self.settings.keymap.keys_of), self._helped)

    def _helped(self, action: Action | None) -> None:
        if action is not None:
            self._run_where_it_works(action)

    def action_command_palette(self) -> None:
        """Find an action by its name."""
        if not self.use_command_palette or isinstance(self.screen, Palette):
            return
        self._keys.hold()
        try:
            self.push_screen(Palette(id="--command-palette"))
        except DuplicateIds:  # the last one is still being taken away, or stays in another tab
            self.push_screen(Palette())

    def action_how_to_leave(self) -> None:
        """For those who press ctrl+c by habit."""
        self.say("ctrl+q leaves; what runs goes on. ctrl+p lists what you can do.")


KNOWN = frozenset(action.id for action in ACTIONS if action.scope is Scope.APP)
"""Actions that are done before the next key is looked at, wherever the key is not another's."""
