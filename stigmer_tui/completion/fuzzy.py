"""Finding texts by a few of their letters, in order: `brd` finds `widgets/board.py`."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")

SCORED = 4000
"""Candidates that are weighed; where more match, those that come first."""
_START = 8
_TOGETHER = 5
_IN_NAME = 3
_NAME_START = 4
_CASE = 1


def pattern_of(query: str) -> re.Pattern[str]:
    """Finds texts that contain the letters of `query` in order; capitals count only where it has some."""
    flags = re.NOFLAG if any(letter.isupper() for letter in query) else re.IGNORECASE
    return re.compile("[^\n]*?".join(re.escape(letter) for letter in query if not letter.isspace()), flags)


def best(query: str, items: Iterable[Item], limit: int, text: Callable[[Item], str]) -> list[Item]:
    """The `limit` items that fit best, the best first; with an empty query the first ones. Of equals the earlier one comes first."""
    if not query.strip():
        return list(islice(items, limit))
    pattern = pattern_of(query)
    found = islice((item for item in items if pattern.search(text(item))), SCORED)
    ranked = sorted(found, key=lambda item: -score(query, text(item)))
    return ranked[:limit]


def score(query: str, text: str) -> float:
    """How well a text fits that has the letters of `query` in order; more is better. Paths end with names: what is found there counts more."""
    letters = [letter for letter in query if not letter.isspace()]
    lowered = text.lower()
    found = (
        _score_from(letters, text, lowered, start, words)
        for start in _starts(letters[:1], lowered)
        for words in (False, True)
    )
    return max(found, default=0.0) - len(text) / 100


def _starts(first: Sequence[str], lowered: str) -> list[int]:
    """Where the first letter may be meant to stand: its first and its last few places, as names stand last."""
    if not first:
        return [0]
    places = [place for place, letter in enumerate(lowered) if letter == first[0].lower()]
    return places[:1] + places[-3:]


def _score_from(letters: Sequence[str], text: str, lowered: str, start: int, words: bool) -> float:
    """`words`: a letter is rather looked for at the beginning of a word than next."""
    name = text.rfind("/") + 1
    total, place, last = 0.0, start, -2
    for letter in letters:
        wanted = letter.lower()
        place = _place_of(wanted, text, lowered, place, last, words)
        if place < 0:
            return 0.0
        total += 1.0
        total += _TOGETHER * (place == last + 1)
        total += _START * _begins_word(text, place)
        total += _IN_NAME * (place >= name) + _NAME_START * (place == name)
        total += _CASE * (text[place] == letter)
        last, place = place, place + 1
    return total


def _place_of(wanted: str, text: str, lowered: str, place: int, last: int, words: bool) -> int:
    found = lowered.find(wanted, place)
    if not words or found == last + 1:
        return found
    other = found
    while other >= 0 and not _begins_word(text, other):
        other = lowered.find(wanted, other + 1)
    return other if other >= 0 else found


def _begins_word(text: str, place: int) -> bool:
    if place == 0:
        return True
    before, here = text[place - 1], text[place]
    return not before.isalnum() or (before.islower() and here.isupper())
