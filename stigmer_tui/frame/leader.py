"""The leader key: after it, one or two letters lead anywhere; who waits is shown where."""

from collections.abc import Awaitable, Callable

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.timer import Timer

from stigmer_tui.actions.leader import branches, shown_key
from stigmer_tui.actions.registry import Action
from stigmer_tui.widgets.which_key import WhichKey

SHOW_SECONDS = 0.35
"""After the last key, before it is shown where the next one leads: who knows the way sees nothing flash."""

Offered = Callable[[], list[tuple[Action, DOMNode, bool]]]
"""The actions that work now, who carries each out, and whether it belongs to a place on the screen."""


class Leader:
    """Takes every key from the leader key on, until it led somewhere or nowhere."""

    def __init__(
        self,
        app: App[int],
        offered: Offered,
        run: Callable[[Action, DOMNode], Awaitable[None]],
        say: Callable[[str], None],
    ) -> None:
        self._app = app
        self._offered = offered
        self._run = run
        self._say = say
        self._typed: str | None = None
        """Keys behind the leader key; None: it was not pressed."""
        self._timer: Timer | None = None
        self._panel: WhichKey | None = None

    @property
    def active(self) -> bool:
        """Whether the next key is its."""
        return self._typed is not None

    def begin(self) -> None:
        """The leader key was pressed."""
        self._go_on("")

    async def take(self, event: events.Key) -> None:
        """A key after it."""
        typed = self._typed or ""
        key = event.character if event.character and event.character.isprintable() else event.key
        if event.key == "backspace" and typed:
            self._go_on(typed[:-1])
            return
        self.end()
        if event.key in ("escape", "ctrl+c", "backspace"):
            return
        offered = self._offered()
        branch = next(
            (each for each in branches([(action, here) for action, _, here in offered], typed) if each.key == key), None
        )
        if branch is None:
            self._say(f"Nothing lies behind {' '.join(shown_key(each) for each in [' ', *typed, key])}.")
        elif branch.action is None:
            self._go_on(typed + key)
        else:
            target = next(node for action, node, _ in offered if action is branch.action)
            await self._run(branch.action, target)

    def _go_on(self, typed: str) -> None:
        self.end()
        self._typed = typed
        self._timer = self._app.set_timer(SHOW_SECONDS, self._show)

    def _show(self) -> None:
        if self._typed is None:
            return
        found = branches([(action, here) for action, _, here in self._offered()], self._typed)
        entries = [(shown_key(each.key), each.title) for each in sorted(found, key=lambda each: each.action is None)]
        head = " ".join(shown_key(key) for key in [" ", *self._typed]) + " …   esc leaves"
        self._panel = WhichKey(head, entries)
        self._app.screen.mount(self._panel)

    def end(self) -> None:
        """No more keys are its."""
        self._typed = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._panel is not None:
            self._panel.remove()
            self._panel = None
