"""Plain search over everything that a run printed."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style

from stigmer_tui.terminal.search import BLOCK, Needle, matching_rows
from stigmer_tui.terminal.spool import Spool
from stigmer_tui.widgets.highlight import highlight


def found(data: bytes, text: str, first: int = 0) -> list[int]:
    """Rows of `data` that contain the text."""
    spool = Spool(Path("/tmp"))
    try:
        spool.append(data)
        return [row for rows in matching_rows(spool, Needle.of(text), first, len(spool), lambda: False) for row in rows]
    finally:
        spool.close()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("error", [0, 2, 3, 4]),
        ("Error", [2]),
        ("größe", [5]),
        ("GRÖSSE", []),
        ("a.c", [6]),
        ("nothing", []),
    ],
)
def test_capitals_count_only_where_there_are_some(text: str, rows: list[int]) -> None:
    """Colours within a word do not hide it; no character is special."""
    data = "an error\nfine\nError!\nERROR\n\x1b[1mer\x1b[31mror\x1b[0m\nGRÖßE größe\na.c abc\n".encode()
    assert found(data, text) == rows


def test_a_row_that_contains_it_twice_is_one_row() -> None:
    """Matches are counted by rows."""
    assert found(b"a a a\nb\na\n", "a") == [0, 2]


def test_matches_across_the_blocks_of_a_large_output() -> None:
    """Wherever a block ends, nothing is missed and nothing is found twice."""
    for offset in range(-6, 3):
        filler = b"x" * (BLOCK + offset)
        assert found(filler + b"needle\n" + b"y\n" * 10 + b"needle\n", "needle") == [0, 11]
    assert found(b"first\n" * 100_000 + b"needle\n" + b"last\n" * 100_000 + b"needle", "needle") == [100_000, 200_001]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(alphabet="abAB \u00e9", max_size=6), max_size=30),
    st.text(alphabet="abAB\u00e9", min_size=1, max_size=3),
)
def test_the_same_rows_as_looking_at_each(lines: list[str], text: str) -> None:
    """Against the plainest way to search."""
    exact = any(letter.isupper() for letter in text)
    expected = [n for n, line in enumerate(lines) if (text in line if exact else text.lower() in line.lower())]
    assert found("".join(line + "\n" for line in lines).encode(), text) == expected


def test_searching_stops_when_told() -> None:
    """A search that nobody wants any more costs no more than a block."""
    spool = Spool(Path("/tmp"))
    spool.append(b"needle\n" * 200_000)
    batches = list(matching_rows(spool, Needle.of("needle"), 0, len(spool), iter([False, True]).__next__))
    assert len(batches) == 1
    spool.close()


def test_matches_are_marked_across_colours() -> None:
    """The text stays, only what was found changes its style."""
    red, mark = Style(color="red"), Style(reverse=True)
    marked = highlight([Segment("an er", red), Segment("ror er"), Segment("ror")], re.compile("error"), mark)
    assert "".join(segment.text for segment in marked) == "an error error"
    assert [(segment.text, segment.style) for segment in marked if segment.style and segment.style.reverse] == [
        ("er", red + mark),
        ("ror", mark),
        ("er", mark),
        ("ror", mark),
    ]
