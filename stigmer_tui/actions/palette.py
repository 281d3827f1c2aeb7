"""The command palette over the registry of actions."""

from collections.abc import Mapping
from functools import partial
from typing import Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode

from stigmer_tui.actions.keys import key_name
from stigmer_tui.actions.registry import Action, Scope, actions_of


@runtime_checkable
class ActionTargets(Protocol):
    """A screen that says who carries out the actions of which scope at this moment."""

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """The widget or screen of each scope that is there now."""
        ...


class ActionProvider(Provider):
    """Offers the actions that work on the present screen, and runs the one that is chosen."""

    async def search(self, query: str) -> Hits:
        """Actions whose name or help fits the query."""
        matcher = self.matcher(query)
        for action, target in self._offered():
            score = max(matcher.match(action.title), matcher.match(action.help) * 0.8)
            if score > 0:
                yield Hit(score, _display(action), partial(self._run, action, target), action.title, action.help)

    async def discover(self) -> Hits:
        """All actions of the screen, those of what has the focus first."""
        for action, target in self._offered():
            yield DiscoveryHit(_display(action), partial(self._run, action, target), action.title, action.help)

    def _offered(self) -> list[tuple[Action, DOMNode]]:
        targets: dict[Scope, DOMNode] = {}
        if isinstance(self.screen, ActionTargets):
            targets.update(self.screen.action_targets())
        targets[Scope.APP] = self.app
        offered = [
            (action, node) for scope, node in targets.items() for action in actions_of(scope) if action.in_palette
        ]
        return sorted(offered, key=lambda pair: pair[1] is not self.focused)

    async def _run(self, action: Action, target: DOMNode) -> None:
        await self.app.run_action(action.handler, target)


def _display(action: Action) -> Content:
    keys = ", ".join(key_name(key) for key in action.keys)
    return Content.assemble(action.title, ("  " + keys, "dim"))
