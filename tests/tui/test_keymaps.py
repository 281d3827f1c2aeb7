"""Keymaps: by id from the configuration, with presets; what cannot be is named, and what holds for all of them is held."""

import pytest

from stigmer_apis.home import Home
from stigmer_tui.actions.commands import complete, understand
from stigmer_tui.actions.keymap import Preset, Wanted, keymap_of
from stigmer_tui.actions.leader import leader_keys
from stigmer_tui.actions.places import PLACES, CommandRefused, Completes, places_by_name
from stigmer_tui.actions.registry import ACTIONS, RESERVED_KEYS, Scope, action_of, actions_of
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.board import BoardScreen
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import screen_text, until


@pytest.mark.parametrize("preset", list(Preset))
def test_every_preset_keeps_the_rules(preset: Preset) -> None:
    """No key means two things in one place, and no action has only keys that a multiplexer takes."""
    keymap = keymap_of(preset)
    assert keymap.problems == ()
    for scope in Scope:
        keys = [key for action in actions_of(scope) for key in keymap.keys_of(action)]
        assert len(keys) == len(set(keys)), scope
    for action in ACTIONS:
        assert keymap.keys_of(action), action.id
        assert not set(keymap.keys_of(action)) <= RESERVED_KEYS, action.id


def test_presets_add_the_keys_of_an_editor() -> None:
    """To every place that moves, without taking what is there."""
    emacs, vim = keymap_of(Preset.EMACS), keymap_of(Preset.VIM)
    assert emacs.keys_of(action_of("board.down")) == ("j", "down", "ctrl+n")
    assert emacs.keys_of(action_of("app.palette")) == ("alt+x",)
    assert vim.keys_of(action_of("app.back")) == ("alt+left", "ctrl+o")


@pytest.mark.parametrize(
    ("action_id", "keys", "complaint"),
    [
        ("run.serach", "x", "c.yaml:3: there is no action run.serach: did you mean run.search?"),
        ("board.open", "ctrl+b", "cannot have only ctrl+b: tmux, screen or an IDE takes it"),
        ("board.open", "wibble+x", "cannot be 'wibble+x': that is no key"),
        ("app.quit", "none", "must keep a key"),
    ],
)
def test_what_cannot_be_is_named_and_left_as_it_was(action_id: str, keys: str, complaint: str) -> None:
    """With its place in the file."""
    keymap = keymap_of(Preset.DEFAULT, [Wanted(action_id, keys, "c.yaml:3")])
    assert complaint in keymap.problems[0]
    assert keymap.keys == {}


def test_conflicts_are_named_and_settled() -> None:
    """What the configuration says wins over what was there; of two that it says, the first."""
    keymap = keymap_of(Preset.DEFAULT, [Wanted("board.cancel", "a", "c:1"), Wanted("board.open", "a, enter", "c:2")])
    assert keymap.keys_of(action_of("board.cancel")) == ("a",)
    assert keymap.keys_of(action_of("board.open")) == ("enter",)
    assert "c:2: `a` is both board.cancel and board.open: board.cancel has it" in keymap.problems
    assert "c:1: `a` is now board.cancel, and board.attention has no key left" in keymap.problems


def test_keys_are_written_as_they_are_typed_or_named() -> None:
    """`/`, `^f`, `pgdn` and their names; commas among them."""
    keymap = keymap_of(Preset.DEFAULT, [Wanted("board.filter", "^f, /, pgdn, ,", "c:1")])
    assert keymap.keys_of(action_of("board.filter"))[:2] == ("ctrl+f", "slash")
    assert keymap_of(Preset.DEFAULT, [Wanted("app.theme", "none", "c:1")]).keys_of(action_of("app.theme")) == ()


async def test_the_file_counts_at_once(home: Home, app: StigmerApp, backend: ScriptedBackend) -> None:
    """A key that is set while the app runs works, what is wrong is said with its line, and the app goes on."""
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        home.config.write_text("tui:\n  theme: paper\n  keymap:\n    app.help: f9\n    app.hlep: f10\n")
        await until(pilot, lambda: "did you mean app.help?" in screen_text(pilot), "the complaint")
        assert "config.yaml:5" in screen_text(pilot)
        assert app.theme == "paper"
        await pilot.press("f1")
        assert isinstance(app.screen, BoardScreen)
        await pilot.press("f9")
        await until(pilot, lambda: "esc closes" in screen_text(pilot), "the help")
        await pilot.press("escape")
        home.config.unlink()
        await until(pilot, lambda: app.theme == "dark", "as it was")
        await pilot.press("f1")
        await until(pilot, lambda: "esc closes" in screen_text(pilot), "the help, by its own key")


def test_one_registry_makes_everything() -> None:
    """Every action that the palette offers is a command by its id; every place is completed; what lies behind the leader key is unambiguous."""
    for action in ACTIONS:
        assert understand(action.id).what is action
        if action.in_palette:
            assert any(each.word == action.id for each in complete(action.id, {})), action.id
    assert {each.word for each in complete("", {})} == {place.name for place in PLACES}
    assert not set(places_by_name()) & {action.id for action in ACTIONS}
    assert len(places_by_name()) == sum(1 + len(place.aliases) for place in PLACES)
    ways = [leader_keys(action, here=False) for action in ACTIONS if action.leader]
    for one in ways:
        assert [other for other in ways if other[: len(one)] == one] == [one], one


def test_a_command_that_means_nothing() -> None:
    """Names the nearest, or says where the list is."""
    with pytest.raises(CommandRefused, match="did you mean `runs`"):
        understand("rnus failed")
    with pytest.raises(CommandRefused, match="takes no words"):
        understand("app.help me")
    with pytest.raises(CommandRefused, match="`:help` lists"):
        understand("xyzzy")


def test_completion_of_what_the_server_knows() -> None:
    """Names with spaces are quoted; what the letters begin comes first."""
    names = {Completes.AGENT: [("review er", "reads"), ("reviewer", ""), ("a-reviewer", "")]}
    offered = complete("agent rev", names)
    assert [each.line for each in offered] == ["agent 'review er'", "agent reviewer", "agent a-reviewer"]
    assert complete("tab agent rev", names)[1].line == "tab agent reviewer"
