"""What the comparison of a page with its commands lets pass, and what not."""

import pytest

from tests.docs.blocks import blocks_of
from tests.docs.reader import as_shown


@pytest.mark.parametrize(
    ("output", "expected", "same"),
    [
        ("42\n", ["42"], True),
        ("43\n", ["42"], False),
        ("a 17 b\n", ["a ... b"], True),
        ("a\nb\nc\n", ["a", "...", "c"], True),
        ("a\nc\n", ["a", "...", "c"], True),
        ("a\nb\n", ["a"], False),
        ("a\nb\n", ["a", "..."], True),
        ("x (y) [z]\n", ["x (y) [z]"], True),
        ("a   \n", ["a"], True),
        ("a\nb\n", ["a...b"], False),
    ],
)
def test_dots_stand_for_anything_and_nothing_else_does(output: str, expected: list[str], same: bool) -> None:
    assert as_shown(output, expected) is same


def test_blocks_commands_and_options_are_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    text = '```console exit=3\n$ one\nout\n$ two \\\n  --more\n\n```\n\n```console not-run="a b"\n$ x\n```\n'
    made = tmp_path_factory.mktemp("page") / "page.md"
    made.write_text(text)
    first, second = blocks_of(made)
    assert [(each.line, each.expected) for each in first.commands()] == [("one", ("out",)), ("two \\\n  --more", ())]
    assert first.options == {"exit": "3"}
    assert second.options == {"not-run": "a b"}
