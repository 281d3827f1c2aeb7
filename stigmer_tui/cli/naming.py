"""Kinds, names and ids as arguments of commands, and how a shell completes them."""

from collections.abc import Callable
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from stigmer_apis.documents.nearest import nearest
from stigmer_tui.manifests.kinds import AGENT, AGENT_EXECUTION, DESCRIBED, KINDS, WORKFLOW, Kind, aliases, find_kind

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


class KindName(click.ParamType[Kind]):
    """A kind by any of its names; an unknown one is refused with the nearest."""

    name = "kind"

    def __init__(self, *, described: bool = False) -> None:
        self._kinds = DESCRIBED if described else KINDS

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Kind:
        """The kind. Fails as wrong usage."""
        if isinstance(value, Kind):
            return value
        kind = find_kind(str(value))
        if kind is None:
            words = [each for kind in self._kinds for each in (kind.word, kind.plural)]
            near = nearest(str(value), words)
            known = ", ".join(kind.plural for kind in self._kinds)
            said = f"did you mean `{near}`?" if near else f"kinds are {known}."
            self.fail(f"{value!r} is no kind of resource; {said}", param, ctx)
        if kind not in self._kinds:
            self.fail(f"{kind.refused}.", param, ctx)
        return kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """The kinds, in the plural, and in the singular where that is what was begun."""
        begun = incomplete.lower()
        names = [kind.plural for kind in self._kinds if kind.plural.startswith(begun)] or [
            alias for alias, kind in aliases().items() if alias.startswith(begun) and kind in self._kinds
        ]
        return [CompletionItem(name) for name in names]


def complete_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Names of the kind that stands before."""
    kind = ctx.params.get("kind")
    return names_of(kind, incomplete) if isinstance(kind, Kind) else []


def completer(kind: Kind) -> Completer:
    """Completes names of one kind."""
    return lambda ctx, param, incomplete: names_of(kind, incomplete)


def names_of(kind: Kind, incomplete: str) -> list[CompletionItem[str]]:
    """Names that begin so, as a running daemon knows them; none where none runs: completing starts nothing."""
    from stigmer_tui.cli.known_names import known_names

    return [CompletionItem(name, help=said) for name, said in known_names(kind) if name.startswith(incomplete)]


complete_agents = completer(AGENT)
"""For commands that take an agent."""


def complete_runnable(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """For a command that runs agents and workflows."""
    return names_of(AGENT, incomplete) + names_of(WORKFLOW, incomplete)


complete_executions = completer(AGENT_EXECUTION)
"""For commands that take a run."""


class LabelType(click.ParamType[tuple[str, str]]):
    """`name=value`."""

    name = "label=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Name and value. Fails as wrong usage."""
        if isinstance(value, tuple):
            return cast("tuple[str, str]", value)
        name, equals, wanted = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is no label: write NAME=VALUE.", param, ctx)
        return name, wanted
