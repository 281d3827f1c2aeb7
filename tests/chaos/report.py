"""`python -m tests.chaos.report FILE`: dates the figures in FILE into the table of docs/reliability.md."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from tests.bench.page import update_table
from tests.chaos.figures import FIGURES_VARIABLE

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
COMMAND = "python -m tests.chaos.report"
HEADER = ("proof", "tries", "found", "when")


def main(arguments: Sequence[str]) -> int:
    """Rewrite the rows of the proofs that are in the file; of several figures of a proof the last one counts."""
    path = arguments[0] if arguments else os.environ.get(FIGURES_VARIABLE, "")
    if not path:
        print(f"usage: {COMMAND} FILE (or set {FIGURES_VARIABLE})", file=sys.stderr)
        return 2
    rows: dict[str, Sequence[str]] = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        figure = cast("dict[str, object]", json.loads(line))
        rows[str(figure["proof"])] = (
            f"{figure['count']:,} {figure['unit']}",
            str(figure["found"]),
            str(figure["when"]),
        )
    update_table(PAGE, COMMAND, HEADER, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
