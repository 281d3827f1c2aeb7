"""The app's style sheet: textual's, which reads each text once and looks only at the rules that can match."""

from collections import OrderedDict
from collections.abc import Callable

from textual.css.model import RuleSet
from textual.css.styles import RenderStyles, RulesMap
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.dom import DOMNode

_Text = tuple[str, CSSLocation, bool, int, str]
_Kind = tuple[type[DOMNode], str | None, frozenset[str]]

_apply: Callable[..., None] = vars(Stylesheet)["apply"]
_KEPT_VARIABLES = 4
_READ: OrderedDict[tuple[tuple[str, str], ...], dict[_Text, list[RuleSet]]] = OrderedDict()
"""What was read, by the variables of the theme that it was read with: the last few themes."""


class Sheet(Stylesheet):
    """The same styles for every node as textual's own, in less time: each screen that opens, and each class that changes, styles anew
    all that is below. Textual goes through all rules for each of these nodes, and reads all texts again for each new kind of screen."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._texts = _read_with(variables or {})
        self._near: dict[_Kind, list[RuleSet]] = {}
        self._near_of: dict[str, list[RuleSet]] | None = None
        self._looked_at: list[RuleSet] | None = None

    @property
    def rules(self) -> list[RuleSet]:
        """All rules; while a node is styled, those that can match it."""
        return super().rules if self._looked_at is None else self._looked_at

    def copy(self) -> "Sheet":
        """Another one of the same texts."""
        sheet = Sheet(variables=self._variables.copy())
        sheet.source = self.source.copy()
        return sheet

    def set_variables(self, variables: dict[str, str]) -> None:
        """Those of another theme."""
        super().set_variables(variables)
        self._texts = _read_with(variables)

    def reparse(self) -> None:
        """Read what was added, and put all rules in order again; where a text is wrong, the rules stay as they were."""
        self.parse()

    def apply(
        self, node: DOMNode, *, animate: bool = False, cache: dict[tuple[object, ...], RulesMap] | None = None
    ) -> None:
        """Style a node."""
        before, self._looked_at = self._looked_at, None
        self._looked_at = self._rules_near(node)
        try:
            _apply(self, node, animate=animate, cache=cache)
        finally:
            self._looked_at = before

    def _rules_near(self, node: DOMNode) -> list[RuleSet]:
        """The rules, in order, of which the last selector names the node's kind, id, a class of it, or anything."""
        by_name = self.rules_map
        if by_name is not self._near_of:
            self._near, self._near_of = {}, by_name
        kind = (type(node), node.id, frozenset(node.classes))
        near = self._near.get(kind)
        if near is None:
            names = {
                "*",
                f"#{node.id}",
                *(f".{name}" for name in node.classes),
                *(base.__name__ for base in type(node).__mro__),
            }
            wanted = {id(rule) for name in names for rule in by_name.get(name, ())}
            near = self._near[kind] = [rule for rule in super().rules if id(rule) in wanted]
        return near

    def _process_component_classes(self, node: DOMNode) -> None:
        _Component.style_anew(node, self)

    def _parse_rules(
        self, css: str, read_from: CSSLocation, is_default_rules: bool = False, tie_breaker: int = 0, scope: str = ""
    ) -> list[RuleSet]:
        text = (css, read_from, is_default_rules, tie_breaker, scope)
        if text not in self._texts:
            self._texts[text] = super()._parse_rules(css, read_from, is_default_rules, tie_breaker, scope)
        return self._texts[text]


class _Component(DOMNode):
    """Stands below a node for one of its component classes while that is styled."""

    def __init__(self, node: DOMNode, name: str) -> None:
        super().__init__(classes=name)
        self._attach(node)

    @staticmethod
    def style_anew(node: DOMNode, sheet: Sheet) -> None:
        """Forget how the components of a node looked; those that it has drawn are styled at once, and it is drawn again where one of them changed."""
        names = node._get_component_classes()
        if not names:
            return
        drawn, node._component_styles = node._component_styles, _Components(node, names, sheet)
        if any(node._component_styles[name] != styles for name, styles in drawn.items() if name in names):
            node.refresh()


class _Components(dict[str, RenderStyles]):
    """How the components of a node look, by class: each is styled when it is first asked for, and most never are."""

    def __init__(self, node: DOMNode, names: frozenset[str], sheet: Sheet) -> None:
        super().__init__()
        self._node, self._names, self._sheet = node, names, sheet

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __missing__(self, name: str) -> RenderStyles:
        if name not in self._names:
            raise KeyError(name)
        component = _Component(self._node, name)
        self._sheet.apply(component)
        self[name] = component.styles
        return self[name]


def _read_with(variables: dict[str, str]) -> dict[_Text, list[RuleSet]]:
    """What was read with these variables."""
    key = tuple(sorted(variables.items()))
    texts = _READ.setdefault(key, {})
    _READ.move_to_end(key)
    while len(_READ) > _KEPT_VARIABLES:
        _READ.popitem(last=False)
    return texts
