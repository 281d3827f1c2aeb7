"""The golden listings beside this file, and what to say when an interface is no longer theirs."""

import difflib
from pathlib import Path

HERE = Path(__file__).parent


def assert_listed(name: str, listing: str) -> None:
    """Fail with the differing lines, `-` for the golden ones, where `listing` is not the golden one called `name`."""
    golden = (HERE / name).read_text(encoding="utf-8")
    changes = difflib.unified_diff(golden.splitlines(), listing.splitlines(), name, "compiled", n=1, lineterm="")
    assert listing == golden, "\n".join([f"the interface differs from {name} (see apis/README.md):", *changes])
