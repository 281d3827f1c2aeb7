"""One registry of actions: bindings, help, palette and the page of keys are made from it."""

from pathlib import Path

from textual.dom import DOMNode

from stigmer_tui.actions.keys_page import keys_page
from stigmer_tui.actions.registry import ACTIONS, RESERVED_KEYS, Scope, action_of
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.choosing import ChoiceList
from stigmer_tui.screens.doctor import FindingList
from stigmer_tui.screens.help import HelpText
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.screens.run_menu import MenuList
from stigmer_tui.widgets.approval.text import ApprovalText
from stigmer_tui.widgets.board.table import BoardTable
from stigmer_tui.widgets.command.line import CommandInput
from stigmer_tui.widgets.composer.composer import Composer
from stigmer_tui.widgets.composer.queue_list import QueueList
from stigmer_tui.widgets.editing.text import EditorText
from stigmer_tui.widgets.library.document import DocumentView
from stigmer_tui.widgets.library.pushing import PushLine
from stigmer_tui.widgets.library.table import LibraryTable
from stigmer_tui.widgets.library.versions import VersionList
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.logs.view import LogsView
from stigmer_tui.widgets.output_view import OutputView
from stigmer_tui.widgets.plots.list import PlotList
from stigmer_tui.widgets.prompt_line import PromptLine
from stigmer_tui.widgets.settings.list import SettingsList
from stigmer_tui.widgets.time_bar import TimeBar
from stigmer_tui.widgets.transcript_view import TranscriptView
from stigmer_tui.widgets.workflow.json_form import JsonText
from stigmer_tui.widgets.workflow.task_view import TaskView
from stigmer_tui.widgets.workflow.tree_view import TreeView
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import run_screen, screen_text, settled, typed, until

KEYS_PAGE = Path(__file__).parents[2] / "docs" / "keys.md"
OWNERS: dict[Scope, type[DOMNode]] = {
    Scope.APP: StigmerApp,
    Scope.TABLE: BoardTable,
    Scope.BOARD: BoardScreen,
    Scope.CHOICE: ChoiceList,
    Scope.RUN: RunScreen,
    Scope.LINES: LogView,
    Scope.OUTPUT: OutputView,
    Scope.TRANSCRIPT: TranscriptView,
    Scope.MENU: MenuList,
    Scope.TIME: TimeBar,
    Scope.COMPOSER: Composer,
    Scope.PROMPT: PromptLine,
    Scope.COMMAND: CommandInput,
    Scope.QUEUE: QueueList,
    Scope.HELP: HelpText,
    Scope.APPROVAL: ApprovalText,
    Scope.LIBRARY: LibraryTable,
    Scope.DOCUMENT: DocumentView,
    Scope.HISTORY: VersionList,
    Scope.PUSHING: PushLine,
    Scope.LOGS: LogsView,
    Scope.WORKFLOW: TreeView,
    Scope.TASK: TaskView,
    Scope.FORM: JsonText,
    Scope.PLOTS: PlotList,
    Scope.DOCTOR: FindingList,
    Scope.SETTINGS: SettingsList,
    Scope.EDITING: EditorText,
}
TOGETHER = [(Scope.LINES, Scope.OUTPUT), (Scope.LINES, Scope.TRANSCRIPT)]
"""Scopes of one widget: they share its keys."""


def test_ids_are_unique_and_every_action_can_be_done() -> None:
    """By a method of the widget or screen that the scope belongs to."""
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    assert set(OWNERS) == set(Scope)
    for action in ACTIONS:
        assert hasattr(OWNERS[action.scope], f"action_{action.handler.partition('(')[0]}"), action.id
        assert action.help.endswith("."), action.id
        assert action.keys, action.id


def test_no_key_means_two_things_in_one_place() -> None:
    """Nor in two places of one widget."""
    for scopes in [(scope,) for scope in Scope] + TOGETHER:
        keys = [key for action in ACTIONS if action.scope in scopes for key in action.keys]
        assert len(keys) == len(set(keys)), scopes


def test_no_action_needs_a_key_that_a_multiplexer_takes() -> None:
    """Such keys are no action's only way; at present nobody's."""
    for action in ACTIONS:
        assert not set(action.keys) <= RESERVED_KEYS, action.id


def test_every_binding_of_ours_comes_from_the_registry() -> None:
    """With the action's id, so that a keymap finds it."""
    for scope, owner in OWNERS.items():
        for binding in owner.BINDINGS:
            assert not isinstance(binding, tuple)
            assert binding.id is not None
            assert action_of(binding.id).scope is scope


def test_the_page_of_keys_is_up_to_date() -> None:
    """Make it with `python -m stigmer_tui.actions.keys_page > docs/keys.md`."""
    assert KEYS_PAGE.read_text() == keys_page()


async def test_keys_are_remapped_by_id(app: StigmerApp) -> None:
    """The new key works, the old one does not, and the last line of the screen shows it."""
    app.set_keymap({"app.help": "f9", "composer.leave": "f8"})
    async with app.run_test() as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        assert "f8 browse" in screen_text(pilot)
        await pilot.press("f1")
        await settled(pilot)
        assert isinstance(app.screen, BoardScreen)
        await pilot.press("f9")
        await until(pilot, lambda: "esc closes" in screen_text(pilot), "the help")


async def test_the_palette_runs_an_action(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Found by its name; what is typed at once is not lost."""
    execution_id = backend.add_execution(message="true")
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 run" in screen_text(pilot), "the list")
        app.open_run(execution_id)
        await until(
            pilot, lambda: isinstance(app.screen, RunScreen) and run_screen(app).feed.state.agent == "shell", "the run"
        )
        await pilot.press("ctrl+p")
        await typed(pilot, "other pane")
        await until(pilot, lambda: "Change between" in screen_text(pilot), "the action is found")
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is run_screen(app).transcript, "the other pane")


async def test_help_shows_what_has_the_focus_first(app: StigmerApp) -> None:
    """And all the rest below it."""
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        await pilot.press("f1")
        await until(pilot, lambda: "esc closes" in screen_text(pilot), "the help")
        text = screen_text(pilot)
        assert text.index("Composer") < text.index("List of runs")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen), "the board again")
