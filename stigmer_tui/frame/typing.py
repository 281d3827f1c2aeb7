"""What is typed, and what has each key: what works everywhere, the leader key, jump labels, or what has the focus."""

from textual import events
from textual.widgets import Input, TextArea

from stigmer_tui.actions.read_only import REFUSED
from stigmer_tui.frame.acting import KNOWN
from stigmer_tui.frame.following import FollowsSettings
from stigmer_tui.terminal.escape_keys import WordKey

_IN_TURN = (events.Key, events.Paste, events.AppFocus, events.AppBlur)
"""What the terminal tells in an order that counts: a key that waited would else bring a terminal back that was left behind it."""
_OF_SOMEBODY = (*_IN_TURN, events.MouseDown)
"""What tells whether somebody is there, as soon as it comes."""


class TakesKeys(FollowsSettings):
    """An app that takes what is typed in its order."""

    async def on_event(self, event: events.Event) -> None:
        """What was typed while a screen comes is the screen's. What comes while the app is left is nobody's."""
        if isinstance(event, events.InputEvent) and not self.screen_stack:
            return
        if isinstance(event, _OF_SOMEBODY) and not event.is_forwarded:
            self.looked_at = not isinstance(event, events.AppBlur)
        if isinstance(event, _IN_TURN) and not event.is_forwarded:
            await self._keys.take(event)
            return
        if isinstance(event, events.MouseDown | events.Resize):
            self._leader.end()
            self._jumping.end()
        await super().on_event(event)

    async def take_in_turn(self, event: events.Event) -> None:
        """It is its turn. Keys behind the leader key and jump labels are theirs."""
        writing = isinstance(self.focused, TextArea | Input)
        if isinstance(event, WordKey):
            event = event.meant(writing)
        if isinstance(event, events.Key):
            if self._leader.active:
                await self._leader.take(event)
                return
            if self._jumping.active:
                self._jumping.take(event)
                return
            if await self._done_at_once(event.key):
                return
            if not writing and self.would_change(event.key):
                self.say(REFUSED, wrong=True)
                return
        elif isinstance(event, events.Paste):
            self._leader.end()
            self._jumping.end()
        await super().on_event(event)

    async def _done_at_once(self, key: str) -> bool:
        """What works everywhere is done before the next key is looked at; not what one writes, nor where the key is another's."""
        if isinstance(self.focused, TextArea | Input) and not key.startswith("alt+"):
            return False
        active = self.screen.active_bindings.get(key)
        if active is None or active.node is not self or not active.enabled or active.binding.id not in KNOWN:
            return False
        return await self.run_action(active.binding.action, self)

    def on_descendant_focus(self) -> None:
        """Something has the focus."""
        self._keys.came()

    def await_list(self) -> None:
        """See `Workstation`."""
        self._keys.hold_for_list()

    def list_came(self) -> None:
        """See `Workstation`."""
        self._keys.came()
