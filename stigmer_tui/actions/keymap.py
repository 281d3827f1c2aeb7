"""Which keys an action has: its own, those of a preset, those of the configuration. Pure.

A key is written as it is named (`ctrl+f`, `slash`, `pagedown`) or as it is typed (`/`, `?`); several are parted by commas or spaces; `none` takes all away.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum

from textual.keys import Keys

from stigmer_tui.actions.keys import key_of_name
from stigmer_tui.actions.registry import ACTIONS, RESERVED_KEYS, Action, Scope, action_of, is_action

UNBOUND = "unbound"
"""A key that no keyboard has: an action without keys is bound to it."""
TOGETHER: tuple[tuple[Scope, ...], ...] = ((Scope.LINES, Scope.OUTPUT),)
"""Scopes of one widget: they share its keys."""
_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "meta", "hyper"})
_NONE = frozenset({"none", "unbind", "unbound"})
_NEVER_ALONE = frozenset({"app.quit"})
"""Actions that must keep a key: without one nobody gets out."""


class Preset(Enum):
    """Keys of an editor that the hands know."""

    DEFAULT = "default"
    VIM = "vim"
    EMACS = "emacs"


_VIM = {"page_down": ("ctrl+f",), "back": ("ctrl+o",)}
_EMACS = {
    "up": ("ctrl+p",),
    "down": ("ctrl+n",),
    "previous": ("ctrl+p",),
    "next": ("ctrl+n",),
    "older": ("ctrl+p",),
    "newer": ("ctrl+n",),
    "page_down": ("ctrl+v",),
    "page_up": ("alt+v",),
    "newest": ("alt+less_than_sign",),
    "first": ("alt+less_than_sign",),
    "start": ("alt+less_than_sign",),
    "oldest": ("alt+greater_than_sign",),
    "last": ("alt+greater_than_sign",),
    "follow": ("alt+greater_than_sign",),
    "leave": ("ctrl+g",),
    "close": ("ctrl+g",),
    "abandon": ("ctrl+g",),
    "clear_search": ("ctrl+g",),
    "clear_filter": ("ctrl+g",),
}
"""Keys that are added to every action with this verb, so that a place that is new has them too."""
_EMACS_OWN = {"app.palette": ("alt+x",)}
"""Actions whose keys are others altogether: ctrl+p moves."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration says of one action."""

    action_id: str
    keys: str
    """As written."""
    place: str
    """File and line, for complaints."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys of every action."""

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Of actions whose keys are not their own, by id."""
    problems: tuple[str, ...] = ()
    """What could not be done as it is written, a sentence each."""

    def keys_of(self, action: Action) -> tuple[str, ...]:
        """The keys that an action has now, the one to show first."""
        return self.keys.get(action.id, action.keys)

    def for_textual(self) -> dict[str, str]:
        """As Textual takes it."""
        return {action_id: ",".join(keys) or UNBOUND for action_id, keys in self.keys.items()}


def keymap_of(preset: Preset, wanted: Sequence[Wanted] = ()) -> Keymap:
    """The keymap of a preset and of the configuration. What cannot be is left as it was, and named in `problems`."""
    keys = _preset_keys(preset)
    problems: list[str] = []
    own: dict[str, Wanted] = {}
    for each in wanted:
        read = _read(each)
        if isinstance(read, str):
            problems.append(f"{each.place}: {read}")
        else:
            keys[each.action_id] = read
            own[each.action_id] = each
    problems += _settle(keys, own)
    return Keymap({action.id: keys[action.id] for action in ACTIONS if keys[action.id] != action.keys}, tuple(problems))


def _preset_keys(preset: Preset) -> dict[str, tuple[str, ...]]:
    more = {Preset.DEFAULT: dict[str, tuple[str, ...]](), Preset.VIM: _VIM, Preset.EMACS: _EMACS}[preset]
    instead = _EMACS_OWN if preset is Preset.EMACS else {}
    keys: dict[str, tuple[str, ...]] = {}
    for action in ACTIONS:
        verb = action.id.partition(".")[2]
        keys[action.id] = instead.get(action.id, (*action.keys, *more.get(verb, ())))
    for scopes in _neighbours():
        taken: set[str] = set()
        for action in _in(scopes):
            added = keys[action.id][len(action.keys) :] if action.id not in instead else ()
            others = {key for other in _in(scopes) if other is not action for key in other.keys}
            keys[action.id] = tuple(
                key for key in keys[action.id] if key not in added or (key not in others and key not in taken)
            )
            taken |= set(keys[action.id])
    return keys


def _read(wanted: Wanted) -> tuple[str, ...] | str:
    """The keys, or what is wrong with them."""
    if not is_action(wanted.action_id):
        near = get_close_matches(wanted.action_id, [action.id for action in ACTIONS], n=1, cutoff=0.6)
        return f"there is no action {wanted.action_id}: " + (
            f"did you mean {near[0]}?" if near else "docs/keys.md lists their ids"
        )
    if wanted.keys.strip().lower() in _NONE:
        if wanted.action_id in _NEVER_ALONE:
            return f"{wanted.action_id} must keep a key: without one nobody gets out"
        return ()
    keys = tuple(
        dict.fromkeys(key_of_name(word) for word in re.split(r"(?<=[^\s,])[,\s]+", wanted.keys.strip()) if word)
    )
    for key in keys:
        if not _is_key(key):
            return f"{wanted.action_id} cannot be {key!r}: that is no key; write `ctrl+f`, `/`, `pagedown`, or `none`"
    if keys and set(keys) <= RESERVED_KEYS:
        return f"{wanted.action_id} cannot have only {', '.join(keys)}: tmux, screen or an IDE takes it; give it a second key"
    return keys


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    if not last or not set(modifiers) <= _MODIFIERS:
        return False
    known = {each.value for each in Keys}
    return (
        (len(last) == 1 and last.isprintable())
        or last in known
        or re.fullmatch(r"[a-z]+(_[a-z]+)+|space|[a-z]{4,}", last) is not None
    )


def _settle(keys: dict[str, tuple[str, ...]], own: Mapping[str, Wanted]) -> Iterable[str]:
    """Of two actions of a place with the same key one keeps it: what the configuration names, and of two that it names the first."""
    order = {action_id: place for place, action_id in enumerate(own)}
    for scopes in _neighbours():
        holder: dict[str, Action] = {}
        for action in sorted(_in(scopes), key=lambda action: order.get(action.id, len(order))):
            for key in keys[action.id]:
                other = holder.setdefault(key, action)
                if other is action:
                    continue
                keys[action.id] = tuple(each for each in keys[action.id] if each != key)
                if action.id in own:
                    yield f"{own[action.id].place}: `{key}` is both {other.id} and {action.id}: {other.id} has it"
                elif not keys[action.id]:
                    yield f"{own[other.id].place}: `{key}` is now {other.id}, and {action.id} has no key left"


def _neighbours() -> list[tuple[Scope, ...]]:
    together = {scope for scopes in TOGETHER for scope in scopes}
    return [*((scope,) for scope in Scope if scope not in together), *TOGETHER]


def _in(scopes: Sequence[Scope]) -> list[Action]:
    return [action for action in ACTIONS if action.scope in scopes]


def keys_now(keymap: Keymap, action_id: str) -> tuple[str, ...]:
    """The keys of an action by its id."""
    return keymap.keys_of(action_of(action_id))
