"""From the registry to Textual's bindings, and to keys as a person reads them."""

from textual.binding import Binding, BindingType

from stigmer_tui.actions.registry import Scope, actions_of

_NAMES = {
    "question_mark": "?",
    "slash": "/",
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
        *(Scope.TABLE, Scope.LINES, Scope.OUTPUT, Scope.TRANSCRIPT, Scope.MENU),
        *(Scope.HELP, Scope.APPROVAL, Scope.QUEUE, Scope.LIBRARY, Scope.DOCUMENT),
    }
)
"""Where nobody writes, an action is done before the next key is looked at, so that keys typed fast go where the action leads."""


_ALWAYS_AT_ONCE = frozenset({"app.palette", "app.quit", "composer.leave", "prompt.abandon"})
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
