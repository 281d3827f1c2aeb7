"""The command palette over the registry of actions, and over what has a name.

Textual sorts what is found by its score and leaves what is alike in the order in which it came, which differs from time to time: no two have the
same score here.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen

from stigmer_tui.actions.keys import key_name
from stigmer_tui.actions.registry import Action, Scope
from stigmer_tui.completion.fuzzy import pattern_of
from stigmer_tui.completion.fuzzy import score as fuzzy_score
from stigmer_tui.text import Untrusted, safe

_CLOSE = 10.0
"""Of a letter: most of them begin a word."""
_WHOLE = 10.0
"""What stands there as it is written comes before what has its letters elsewhere."""
_STEP = 1e-6
"""Of two that fit alike the one that comes first in the registry, or of the server, comes first."""
_ACTIONS = 1000
"""More than there are: what is found by name comes behind them."""
_KEYS = 12
_BY_ID = frozenset({"run", "session"})
"""What is named by an id, in which any letters are found."""


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
        for place, (what, name, words, command) in enumerate(self._names):
            shown, text = safe(Untrusted(name)), safe(Untrusted(words))
            by_id = what in _BY_ID
            known = 0.0 if by_id and query.strip().lower() not in shown else _fit(query, shown)
            weight = max(known, _fit(query, text, close=True) * 0.9, 0.0 if by_id else _fit(query, f"{what} {shown}"))
            if weight > 0:
                first, second = (text, shown) if by_id and text else (shown, text)
                display = Content.assemble((f"{what:<18} ", "dim"), (first, "bold"), (f"  {second}", "dim"))
                score = weight * 0.95 - (_ACTIONS + place) * _STEP
                yield Hit(score, display, partial(app.run_written, command), f"{what} {shown}")


class ActionProvider(Provider):
    """Offers the actions that work on the present screen, and runs the one that is chosen."""

    async def search(self, query: str) -> Hits:
        """Actions whose name or help fits the query."""
        for place, (action, target) in enumerate(self._offered()):
            weight = max(_fit(query, action.title), _fit(query, action.help, close=True) * 0.8)
            if weight > 0:
                yield Hit(weight - place * _STEP, _display(action), partial(self._run, action, target), action.title)

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


def _fit(query: str, text: str, *, close: bool = False) -> float:
    """How well a text fits that has the letters of the query in their order, a letter's mean; 0 where it does not. `close`: in a sentence, in which any
    letters are found scattered, words or beginnings of words count."""
    letters = sum(not letter.isspace() for letter in query)
    if not letters or pattern_of(query).search(text) is None:
        return 0.0
    weight = fuzzy_score(query, text) / letters
    wanted, lowered = query.strip().lower(), text.lower()
    if wanted in lowered:
        return weight + _WHOLE
    if close and weight < _CLOSE and not all(word in lowered for word in wanted.split()):
        return 0.0
    return max(weight, _STEP * _ACTIONS)


def _display(action: Action) -> Content:
    """Its first keys, as many as stand in their column."""
    shown = ""
    for key in action.keys:
        longer = f"{shown}, {key_name(key)}" if shown else key_name(key)
        shown = longer if not shown or len(longer) <= _KEYS else shown
    return Content.assemble((f"{action.title:<18} ", "bold"), f"{shown:<{_KEYS}} ", (action.help, "dim"))
