"""Slugs: names as they stand in references."""

import re

_DROPPED = re.compile(r"[^a-z0-9-]+")
_SPACES = re.compile(r"\s+")
_RUNS = re.compile(r"-+")


def slugify(name: str) -> str:
    """The slug of `name`: lowercase, spaces to `-`, all but `a-z 0-9 -` dropped, runs of `-` collapsed, trimmed.

    Empty where nothing of the name is left; whoever needs a slug refuses that. A slug that was given is kept as given and does not come here.
    """
    hyphenated = _SPACES.sub("-", name.lower())
    return _RUNS.sub("-", _DROPPED.sub("", hyphenated)).strip("-")
