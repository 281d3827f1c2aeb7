"""What is different between two resources, as lines of their YAML."""

import difflib
from collections.abc import Iterator

from google.protobuf.message import Message

from stigmer_tui.manifests.writing import lasting_data, to_yaml


def difference(before: Message | None, after: Message | None, name: str) -> Iterator[str]:
    """A unified diff without line ends, from `before` to `after`; nothing where they say the same. None is a resource that is not there."""
    old, new = _lines(before), _lines(after)
    yield from difflib.unified_diff(old, new, _label(name, before, "before"), _label(name, after, "after"), lineterm="")


def _lines(message: Message | None) -> list[str]:
    return [] if message is None else to_yaml(lasting_data(message)).splitlines()


def _label(name: str, message: Message | None, when: str) -> str:
    return "/dev/null" if message is None else f"{name} ({when})"
