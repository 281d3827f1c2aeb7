"""Where in a value in brackets somebody writes: `{name: value, …}`, `[item, …]`, in one line. Pure."""

from dataclasses import dataclass, field

_BRACKETS = {"{": "}", "[": "]"}


@dataclass(slots=True)
class _Bracket:
    """One that is open."""

    opened: str
    key: str | None = None
    """Of a mapping: the key whose value is written now."""
    keys: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class FlowPlace:
    """Where one writes in the brackets."""

    path: tuple[str, ...]
    """Keys from the outermost bracket on; with a value, its own key is the last one."""
    is_key: bool
    written: str
    siblings: frozenset[str]


def flow_place(before: str, behind: str) -> FlowPlace | None:
    """The place between the value up to the cursor, which begins with a bracket, and what is behind it; None within quotes, a comment, or where all is closed."""
    if behind.strip() and behind.lstrip()[0] not in ",}]":
        return None
    open_: list[_Bracket] = []
    start, quote = 0, ""
    for at, letter in enumerate(before):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and not before[start:at].strip():
            quote = letter
        elif letter == "#" and before[at - 1 : at] in (" ", ""):
            return None
        elif letter in _BRACKETS:
            open_.append(_Bracket(letter))
            start = at + 1
        elif letter in "]}":
            if not open_ or _BRACKETS[open_.pop().opened] != letter:
                return None
            start = at + 1
        elif letter == "," and open_:
            open_[-1].key, start = None, at + 1
        elif letter == ":" and open_ and open_[-1].opened == "{" and before[at + 1 : at + 2] in (" ", "", *_BRACKETS):
            key = before[start:at].strip().strip("\"'")
            open_[-1].key, start = key, at + 1
            open_[-1].keys.add(key)
    if quote or not open_ or before[start - 1 : start] in ("]", "}"):
        return None
    here = open_[-1]
    if here.opened == "{" and here.key is not None and before.endswith(":"):
        return None
    path = tuple(each.key for each in open_ if each.key is not None)
    is_key = here.opened == "{" and here.key is None
    siblings = here.keys | _keys_behind(behind) if is_key else ()
    return FlowPlace(path, is_key, before[start:].lstrip(), frozenset(siblings))


def _keys_behind(behind: str) -> set[str]:
    """Keys of the same mapping behind the cursor, as far as it goes in this line."""
    depth = 0
    found: set[str] = set()
    for part in behind.replace("{", ",{").split(","):
        name, colon, _ = part.partition(":")
        if colon and depth == 0:
            found.add(name.strip().strip("\"'"))
        depth += sum(part.count(each) for each in _BRACKETS) - sum(part.count(each) for each in _BRACKETS.values())
        if depth < 0:
            break
    return found
