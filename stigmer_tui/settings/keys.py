"""The rows of the keymap: every action with its keys, and where they come from."""

from functools import partial

from stigmer_apis.config import Configuration
from stigmer_apis.config.keys import KeyTable
from stigmer_tui.actions.keymap import Keymap, Preset, Wanted, keymap_of
from stigmer_tui.actions.keys import key_name
from stigmer_tui.actions.registry import ACTIONS, Action
from stigmer_tui.settings.entries import Entry

TABLE = "tui.keymap"
_HERE = "here"


def key_entries(configuration: Configuration) -> list[Entry]:
    """A row for every action, in the order of the help."""
    tui = configuration.settings.tui
    preset = Preset(tui.preset.value)
    keymap = keymap_of(preset, _wanted(tui.keymap))
    lines = {entry.action_id: entry.line for entry in tui.keymap.entries}
    usual = keymap_of(preset)
    return [_entry(action, keymap, usual, lines.get(action.id, 0), preset, tui.keymap) for action in ACTIONS]


def _entry(action: Action, keymap: Keymap, usual: Keymap, line: int, preset: Preset, table: KeyTable) -> Entry:
    keys = keymap.keys_of(action)
    by_preset = usual.keys_of(action) != action.keys
    origin = f"file, line {line}" if line else (f"preset {preset.value}" if by_preset else "default")
    return Entry(
        key=f"{TABLE}.{action.id}",
        section=action.scope.value,
        name=action.id,
        value=_words(keys) or "none",
        written=_words(keys) or "none",
        origin=origin,
        changed=bool(line),
        about=f"{action.title}. {action.help}",
        may_be="keys, parted by commas or spaces: `ctrl+f, /`; `none` takes them away",
        unless=_words(usual.keys_of(action)) or "none",
        check=partial(_wrong, action.id, preset, table),
    )


def _words(keys: tuple[str, ...]) -> str:
    """Keys as one writes them."""
    return ", ".join("comma" if key == "comma" else key_name(key) for key in keys)


def _wanted(table: KeyTable, without: str = "") -> list[Wanted]:
    return [
        Wanted(entry.action_id, entry.keys, f"line {entry.line}")
        for entry in table.entries
        if entry.action_id != without
    ]


def _wrong(action_id: str, preset: Preset, table: KeyTable, text: str) -> str:
    """What is wrong with a text as the keys of an action: no key, one that another of the place has, one that a multiplexer takes."""
    if not text.strip():
        return "write a key, or `none`; d gives it its usual keys back"
    others = _wanted(table, action_id)
    before = set(keymap_of(preset, others).problems)
    problems = keymap_of(preset, [*others, Wanted(action_id, text, _HERE)]).problems
    new = [problem for problem in problems if problem not in before]
    return new[0].partition(": ")[2] if new else ""
