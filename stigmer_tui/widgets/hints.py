"""The last line of the screen: what the keys do for what has the focus."""

from textual.app import ScreenStackError
from textual.binding import ActiveBinding
from textual.keys import key_to_character
from textual.widgets import Input, TextArea

from stigmer_tui.actions.keymap import UNBOUND
from stigmer_tui.actions.keys import key_name
from stigmer_tui.actions.registry import action_of, is_action
from stigmer_tui.widgets.line import Line, Part


class Hints(Line):
    """Made from the bindings that work now, so that a changed keymap shows; as many as there is room for."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._left_out: set[str] = set()

    def leave_out(self, actions: set[str]) -> None:
        """Actions, by id, that would do nothing now."""
        if actions != self._left_out:
            self._left_out = actions
            self.update_hints()

    def on_mount(self) -> None:
        """Keep up with the focus."""
        self.watch(self.screen, "focused", self.update_hints)

    def on_resize(self) -> None:
        """More or less room."""
        self.update_hints()

    def update_hints(self) -> None:
        """Say what works now."""
        keys: dict[str, str] = {}
        writing = isinstance(self.screen.focused, TextArea | Input)
        try:
            bindings = self.screen.active_bindings
        except ScreenStackError:
            return  # the app is being closed: its last screen has gone already
        for key, active in bindings.items():
            if key == UNBOUND:
                continue
            action_id = _shown_action(active)
            if writing and active.node is not self.screen.focused and _types(key):
                continue
            if action_id is not None and action_id not in self._left_out:
                known = keys.get(action_id, key)
                keys[action_id] = key if _rank(action_id, key) < _rank(action_id, known) else known
        parts: list[Part] = []
        room = self.size.width
        for action in sorted((action_of(action_id) for action_id in keys), key=lambda action: action.footer):
            key, title = key_name(keys[action.id]), action.title.lower()
            room -= len(key) + len(title) + 4
            if room < 0:
                break
            parts += [(key, "accent"), (f" {title}   ", "muted")]
        self.say(parts)


def _types(key: str) -> bool:
    """Whether the key writes a character where one writes."""
    character = key_to_character(key)
    return character is not None and character.isprintable()


def _rank(action_id: str, key: str) -> int:
    """The first of an action's keys is shown; one of a keymap's own before all."""
    keys = action_of(action_id).keys
    return keys.index(key) if key in keys else -1


def _shown_action(active: ActiveBinding) -> str | None:
    action_id = active.binding.id
    if not active.enabled or action_id is None or not is_action(action_id) or not action_of(action_id).footer:
        return None
    return action_id
