"""The known name next to one that nobody knows."""

import difflib
from collections.abc import Iterable

_SHOWN = 8


def nearest(name: str, known: Iterable[str]) -> str:
    """The name of `known` that is most like `name`, letters' case and hyphens aside; empty where none is."""
    plain = {_plain(candidate): candidate for candidate in known}
    found = difflib.get_close_matches(_plain(name), list(plain), n=1, cutoff=0.6)
    return plain[found[0]] if found else ""


def suggestion(name: str, known: Iterable[str]) -> str:
    """What to write instead of `name`: the nearest, or what there is to choose from."""
    names = list(known)
    best = nearest(name, names)
    if best:
        return f"did you mean `{best}`?"
    shown = ", ".join(f"`{each}`" for each in names[:_SHOWN])
    return f"known are {shown}{' and others' if len(names) > _SHOWN else ''}" if names else "nothing can stand here"


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
