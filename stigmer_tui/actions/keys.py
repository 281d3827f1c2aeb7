"""From the registry to Textual's bindings, and to keys as a person reads them."""

import unicodedata

from textual.binding import Binding, BindingType

from stigmer_tui.actions.registry import Scope, actions_of

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "ampersand": "&",
    "apostrophe": "'",
    "colon": ":",
    "asterisk": "*",
    "comma": ",",
    "full_stop": ".",
    "minus": "-",
    "plus": "+",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


_AT_ONCE = frozenset(
    {
        *(Scope.TABLE, Scope.LINES, Scope.OUTPUT, Scope.TRANSCRIPT, Scope.MENU, Scope.TIME),
        *(
            Scope.CHOICE,
            Scope.HELP,
            Scope.APPROVAL,
            Scope.QUEUE,
            Scope.LIBRARY,
            Scope.DOCUMENT,
            Scope.HISTORY,
            Scope.LOGS,
            Scope.WORKFLOW,
            Scope.TASK,
            Scope.SETTINGS,
        ),
    }
)
"""Where nobody writes, an action is done before the next key is looked at, so that keys typed fast go where the action leads."""


_ALWAYS_AT_ONCE = frozenset(
    {"app.palette", "app.quit", "composer.leave", "prompt.abandon", "run.search_regex", "run.search_case"}
)
"""So are these: nothing that was typed before them is needed for them."""


def bindings_of(scope: Scope) -> list[BindingType]:
    """The bindings for the widget or screen that a scope belongs to; each carries its action's id, so that a keymap can change its keys."""
    return [
        Binding(
            ",".join(action.keys),
            action.handler,
            action.title,
            show=False,
            tooltip=action.help,
            id=action.id,
            priority=scope in _AT_ONCE or action.id in _ALWAYS_AT_ONCE,
        )
        for action in actions_of(scope)
    ]


def key_name(key: str) -> str:
    """A key as it is written for a person: `esc`, `^p`… spelt `ctrl+p`, `↑`, `?`."""
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, _NAMES.get(last, last)])


def key_of_name(name: str) -> str:
    """A key as Textual names it, from how a person writes it: `/` is `slash`, `esc` is `escape`, `^f` is `ctrl+f`."""
    name = name.strip()
    if len(name) == 2 and name.startswith("^"):
        name = f"ctrl+{name[1]}"
    *modifiers, last = name.split("+") if len(name) > 1 and not name.endswith("++") else [name]
    named = {shown: key for key, shown in _NAMES.items()}.get(last, last)
    if len(named) == 1 and not named.isalnum():
        named = _character_name(named)
    return "+".join([*(modifier.lower() for modifier in modifiers), named])


def _character_name(character: str) -> str:
    try:
        return unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")
    except ValueError:
        return character
