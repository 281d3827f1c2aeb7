"""The command palette over the registry of actions."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from stigmer_tui.actions.keys import key_name
from stigmer_tui.actions.registry import Action, Scope
from stigmer_tui.text import Untrusted, safe


@runtime_checkable
class ActionTargets(Protocol):
    """A screen that says who carries out the actions of which scope at this moment."""

    def action_targets(self) -> Mapping[Scope, DOMNode]:
        """The widget or screen of each scope that is there now."""
        ...


@runtime_checkable
class Offers(Protocol):
    """An app that says what works now."""

    def offered_actions(self, over: Screen[object] | None = None) -> list[tuple[Action, DOMNode, bool]]:
        """The actions that work now, who carries each out, and whether it belongs to a place on the screen. What has the focus comes first."""
        ...


@runtime_checkable
class Finds(Protocol):
    """An app that knows what the server has by name."""

    async def find_names(self) -> Sequence[tuple[str, str, str, str]]:
        """Of runs, agents and sessions: what it is, its name, a few words, and the `:` command that leads there. Foreign text, but for the first."""
        ...

    def run_written(self, line: str) -> None:
        """Do what a `:` command says."""
        ...


class FoundProvider(Provider):
    """Offers runs, agents and sessions by their names, asked of the server once somebody searches."""

    async def startup(self) -> None:
        """Nothing is asked before somebody writes."""
        self._names: Sequence[tuple[str, str, str, str]] | None = None

    async def search(self, query: str) -> Hits:
        """What has a name or words that fit the query."""
        app: object = self.app
        if not isinstance(app, Finds):
            return
        if self._names is None:
            self._names = await app.find_names()
        matcher = self.matcher(query)
        for what, name, words, command in self._names:
            shown, text = safe(Untrusted(name)), safe(Untrusted(words))
            score = max(matcher.match(shown), matcher.match(text) * 0.9, matcher.match(f"{what} {shown}"))
            if score > 0:
                first, second = (text, shown) if what == "run" and text else (shown, text)
                display = Content.assemble((f"{what:<18} ", "dim"), (first, "bold"), (f"  {second}", "dim"))
                yield Hit(score * 0.95, display, partial(app.run_written, command), f"{what} {shown}")


class ActionProvider(Provider):
    """Offers the actions that work on the present screen, and runs the one that is chosen."""

    async def search(self, query: str) -> Hits:
        """Actions whose name or help fits the query."""
        matcher = self.matcher(query)
        for action, target in self._offered():
            score = max(matcher.match(action.title), matcher.match(action.help) * 0.8)
            if score > 0:
                yield Hit(score, _display(action), partial(self._run, action, target), action.title)

    async def discover(self) -> Hits:
        """All actions of the screen, those of what has the focus first."""
        for action, target in self._offered():
            yield DiscoveryHit(_display(action), partial(self._run, action, target), action.title)

    def _offered(self) -> list[tuple[Action, DOMNode]]:
        app: object = self.app
        if not isinstance(app, Offers):
            return []
        return [(action, node) for action, node, _ in app.offered_actions(self.screen) if action.in_palette]

    async def _run(self, action: Action, target: DOMNode) -> None:
        await self.app.run_action(action.handler, target)


def _display(action: Action) -> Content:
    keys = ", ".join(key_name(key) for key in action.keys)
    return Content.assemble((f"{action.title:<18} ", "bold"), f"{keys:<12} ", (action.help, "dim"))
