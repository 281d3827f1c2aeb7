"""What a proof found, for the table of docs/reliability.md."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from tests.support.scale import in_campaign

FIGURES_VARIABLE = "STIGMER_FIGURES"
"""A file that figures are appended to, a JSON object a line."""

FULL = ", campaign"
"""Stands behind the name of a proof with full counts, so that both sizes have their row."""


def record(proof: str, count: int, unit: str, found: str) -> None:
    """Print what `proof` found in `count` tries (`unit` says of what), and keep it where STIGMER_FIGURES says."""
    if in_campaign():
        proof += FULL
    print(f"{proof}: {count} {unit}: {found}")
    path = os.environ.get(FIGURES_VARIABLE)
    if not path:
        return
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    line = json.dumps({"proof": proof, "count": count, "unit": unit, "found": found, "when": when})
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
