"""What the page of the workstation says of itself is seen by a test that exists, row by row."""

import ast
import re

import pytest

from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "workstation.md"
SEEN = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
ROWS, COMPLAINTS = 32, 35
"""How many rows there are: of what others do well, of what people complain about."""


def part(title: str) -> str:
    """The part of the page below a heading, up to the next one."""
    return re.split(r"^##+ ", PAGE.read_text().partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("title", "count"), [("Side by side with others", ROWS), ("What people complain about", COMPLAINTS)]
)
def test_every_row_names_a_test_that_exists(title: str, count: int) -> None:
    """None is left without one."""
    rows = [
        row for row in part(title).splitlines() if row.startswith("| ") and not row.startswith(("| what", "| compl"))
    ]
    assert len(rows) == count
    for row in rows:
        found = SEEN.findall(row)
        assert found, row
        for path, name in found:
            assert name in functions(path), f"{path} has no {name}"


def functions(path: str) -> set[str]:
    """The functions of a file, by name."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
