"""Where the keys behind the leader key lead: a tree made from the registry. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from stigmer_tui.actions.keys import key_name
from stigmer_tui.actions.registry import Action

HERE = "m"
"""Behind it come the actions of the place that has the focus, by their own keys."""
_GROUPS = {"t": "tabs", HERE: "here", "g": "go to"}


@dataclass(frozen=True, slots=True)
class Branch:
    """One key, and where it leads."""

    key: str
    """As it is typed: `l`, ` `."""
    title: str
    action: Action | None
    """None: more keys follow."""


def leader_keys(action: Action, *, here: bool) -> tuple[str, ...]:
    """The keys behind the leader key that lead to an action; none where there is no way. `here`: whether its place is on the screen."""
    if action.leader:
        return (" ",) if action.leader == "space" else tuple(action.leader)
    own = next((letter for key in action.keys if (letter := _letter(key))), "")
    return (HERE, own) if here and own and action.in_palette else ()


def branches(actions: Iterable[tuple[Action, bool]], typed: str) -> list[Branch]:
    """Where one can go on from the keys that were typed. `actions`: each with whether it belongs to a place on the screen."""
    found: dict[str, Branch] = {}
    for action, here in actions:
        keys = leader_keys(action, here=here)
        if len(keys) <= len(typed) or "".join(keys[: len(typed)]) != typed:
            continue
        key = keys[len(typed)]
        if len(keys) > len(typed) + 1:
            found.setdefault(key, Branch(key, f"+{_GROUPS.get(key, key)}", None))
        else:
            found.setdefault(key, Branch(key, action.title.lower(), action))
    return list(found.values())


def shown_key(key: str) -> str:
    """A typed key as it is written for a person."""
    return "space" if key == " " else key_name(key)


def _letter(key: str) -> str:
    """What one types for a key; empty for a key that types nothing."""
    name = key_name(key)
    return name if len(name) == 1 and name.isascii() else ""
