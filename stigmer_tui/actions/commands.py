"""The language of `:` commands: a place and words for it, or an action by its id. Pure.

runs failed            a place, and words for it
agent reviewer
run.search             an action, by its id
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from stigmer_tui.actions.places import CommandRefused, Completes, Place, places_by_name
from stigmer_tui.actions.registry import ACTIONS, Action, action_of, is_action

OFFERED = 50
"""Completions at most."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a line means."""

    what: Place | Action
    words: tuple[str, ...] = ()
    """Behind the name."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on."""

    line: str
    """The whole line, completed."""
    word: str
    """What is offered. It may be foreign text: made safe where it is drawn."""
    help: str
    """In some words; may be foreign too."""


Names = Mapping[Completes, Sequence[tuple[str, str]]]
"""What the server or the app knows by name, with a few words about each."""


def understand(line: str) -> Command:
    """What a line means. Raises `CommandRefused`."""
    words = _words(line)
    if not words:
        raise CommandRefused("Write where to go: `:runs failed`, `:agents`, `:help`. tab completes.")
    name, *rest = words
    place = places_by_name().get(name.lower())
    if place is not None:
        return Command(place, tuple(rest))
    if is_action(name):
        if rest:
            raise CommandRefused(f"`{name}` takes no words behind it.")
        return Command(action_of(name))
    near = nearest_command(name)
    raise CommandRefused(
        f"There is no command `{name}`" + (f": did you mean `{near}`?" if near else ". `:help` lists what there is.")
    )


def nearest_command(name: str) -> str:
    """The command that is most like `name`; empty where none is."""
    known = [*places_by_name(), *(action.id for action in ACTIONS)]
    begun = [each for each in known if each.startswith(name.lower())]
    found = begun[:1] or get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return found[0] if found else ""


def complete(line: str, names: Names) -> list[Completion]:
    """How a line can go on. Places come first, then actions; behind a name what it completes to."""
    head, space, tail = line.lstrip().partition(" ")
    if not space:
        return _commands(head)[:OFFERED]
    place = places_by_name().get(head.lower())
    if place is None:
        return []
    before, _, last = tail.rpartition(" ")
    if place.completes is Completes.COMMAND:
        return [Completion(f"{head} {each.line}", each.word, each.help) for each in complete(tail, names)]
    prefix = f"{head} {before} " if before else f"{head} "
    offered: list[tuple[str, str]] = [(word, "") for word in place.words]
    if not before:
        offered += names.get(place.completes, ())
    fitting = sorted(
        (pair for pair in offered if fits(last, pair[0])), key=lambda pair: not pair[0].lower().startswith(last.lower())
    )
    return [Completion(prefix + _quoted(word), word, help) for word, help in fitting[:OFFERED]]


def needs(line: str) -> Completes:
    """What has to be known by name to complete a line."""
    head, space, tail = line.lstrip().partition(" ")
    place = places_by_name().get(head.lower()) if space else None
    if place is None:
        return Completes.NOTHING
    return needs(tail) if place.completes is Completes.COMMAND else place.completes


def fits(wanted: str, text: str) -> bool:
    """Whether the letters of `wanted` stand in `text`, in their order."""
    letters = iter(text.lower())
    return all(letter in letters for letter in wanted.lower())


def _commands(begun: str) -> list[Completion]:
    wanted = begun.lower()
    places = [
        Completion(f"{place.name} " if place.usage else place.name, place.name, f"{place.help}")
        for place in dict.fromkeys(places_by_name().values())
        if any(fits(wanted, name) for name in (place.name, *place.aliases))
    ]
    actions = [
        Completion(action.id, action.id, action.help)
        for action in ACTIONS
        if wanted and action.in_palette and fits(wanted, action.id)
    ]
    return sorted([*places, *actions], key=lambda each: not each.word.startswith(wanted))


def _quoted(word: str) -> str:
    return shlex.quote(word) if any(letter in word for letter in " '\"\\") else word


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line.strip().removeprefix(":"))
    except ValueError:
        return line.strip().removeprefix(":").split()
