"""The last line of the screen: what the keys do for what has the focus."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual import events
from textual._context import active_app
from textual.app import ScreenStackError
from textual.binding import ActiveBinding
from textual.keys import key_to_character
from textual.widgets import Input, TextArea

from stigmer_tui.actions.keymap import UNBOUND
from stigmer_tui.actions.keys import key_name
from stigmer_tui.actions.registry import action_of, is_action
from stigmer_tui.widgets.line import Line, Part

_ALWAYS = ("app.palette", "app.help")
"""What leads to everything else stands at the right, however little room there is."""
_GAP = "   "
_NARROW = 60
"""Cells below which only the help stands there."""


class Hints(Line):
    """Made from the bindings that work now, so that a changed keymap shows; as many as there is room for. A click on one does it."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._left_out: set[str] = set()
        self._places: list[tuple[int, int, ActiveBinding]] = []
        """First and last cell of each, and what it does."""

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
        try:
            working = self._working()
        except ScreenStackError:
            return  # the app is being closed: its last screen has gone already
        width = self.size.width
        ordered = sorted(working, key=lambda action_id: action_of(action_id).footer)
        always = _ALWAYS if width >= _NARROW else _ALWAYS[-1:]
        right = [_Hint(each, *working[each]) for each in always if each in working]
        room = width - _cells(right) - len(_GAP)
        left: list[_Hint] = []
        for hint in (_Hint(each, *working[each]) for each in ordered if each not in _ALWAYS):
            if _cells([*left, hint]) > room:
                break
            left.append(hint)
        self._places = [*_places(left, 0), *_places(right, width - _cells(right))]
        self.say(_parts(left), _parts(right))

    def _working(self) -> dict[str, tuple[str, ActiveBinding]]:
        """By the id of the action: the key to show, and what it is bound to."""
        found: dict[str, tuple[str, ActiveBinding]] = {}
        focused = self.screen.focused
        writing = isinstance(focused, TextArea | Input)
        for key, active in self.screen.active_bindings.items():
            action_id = None if key == UNBOUND else _shown_action(active)
            if action_id is None or action_id in self._left_out:
                continue
            if writing and active.node is not focused and _types(key):
                continue
            if action_id not in found or _rank(action_id, key) < _rank(action_id, found[action_id][0]):
                found[action_id] = key, active
        return found

    async def on_click(self, event: events.Click) -> None:
        """Do what is under the mouse."""
        place = event.get_content_offset(self)
        for first, last, active in self._places:
            if place is not None and first <= place.x <= last:
                event.stop()
                await active_app.get().run_action(active.binding.action, active.node)
                return


@dataclass(frozen=True, slots=True)
class _Hint:
    """A key with what it does."""

    action_id: str
    key: str
    active: ActiveBinding

    @property
    def words(self) -> tuple[str, str]:
        return key_name(self.key), action_of(self.action_id).title.lower()

    @property
    def cells(self) -> int:
        key, title = self.words
        return len(key) + 1 + len(title)


def _cells(hints: Sequence[_Hint]) -> int:
    return sum(hint.cells for hint in hints) + len(_GAP) * max(0, len(hints) - 1)


def _places(hints: Sequence[_Hint], start: int) -> Iterator[tuple[int, int, ActiveBinding]]:
    for hint in hints:
        yield start, start + hint.cells - 1, hint.active
        start += hint.cells + len(_GAP)


def _parts(hints: Sequence[_Hint]) -> list[Part]:
    parts: list[Part] = []
    for hint in hints:
        key, title = hint.words
        parts += [(key, "accent"), (f" {title}", "muted"), (_GAP, "muted")]
    return parts[:-1]


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
