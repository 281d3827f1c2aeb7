"""Which rows belong to which block, while only some were ever laid out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.transcript.blocks import Block, FileDiff, Remark
from stigmer_tui.transcript.diffs import SHOWN_LINES, diff_rows, lines_of
from stigmer_tui.transcript.growing import Changed
from stigmer_tui.transcript.layout import likely_rows, rows_of
from stigmer_tui.transcript.markdown import fenced, markdown_of
from stigmer_tui.transcript.row_index import CHUNK, RowIndex
from stigmer_tui.transcript.rows import Row, Shape, Span
from stigmer_tui.widgets.transcript_view import TranscriptView

DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,3 @@\n def f():\n-    return 'old'  # was\n+    return 12\n+    pass\n--- no name\n"


def remarks(heights: list[int]) -> list[Block]:
    """Blocks of so many rows each."""
    return [Remark("\n".join("x" * height)) for height in heights]


def height(block: Block) -> int:
    """Of such a block."""
    assert isinstance(block, Remark)
    return block.text.count("x")


def laid_out(block: Block, shape: Shape) -> list[Row]:
    """Its rows."""
    return [(Span(str(number)),) for number in range(height(block))]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 5), max_size=3 * CHUNK),
    st.lists(st.tuples(st.integers(0, 3 * CHUNK), st.integers(0, 5)), max_size=12),
)
def test_it_says_the_same_as_adding_up(heights: list[int], changes: list[tuple[int, int]]) -> None:
    """After blocks were laid out in any order, changed, cut off and added."""
    blocks = remarks(heights)
    index = RowIndex(laid_out, lambda block, shape: 2, Shape(80))
    index.update(blocks, Changed(frozenset(), 0))
    for place, size in changes:
        if place < len(blocks):
            blocks[place] = remarks([size])[0]
            index.update(blocks, Changed(frozenset((place,)), len(blocks)))
        else:
            del blocks[place // 4 :]
            blocks += remarks([size])
            index.update(blocks, Changed(frozenset(), min(place // 4, len(blocks) - 1)))
    for block in range(len(blocks)):
        index.rows(blocks, block)
    starts = [sum(height(each) for each in blocks[:number]) for number in range(len(blocks))]
    assert index.total == sum(height(each) for each in blocks)
    assert [index.start(number) for number in range(len(blocks))] == starts
    for number, block in enumerate(blocks):
        for offset in range(height(block)):
            place = index.place(starts[number] + offset)
            assert (place.block, place.offset) == (number, offset)
            assert index.row_of(place) == starts[number] + offset


def test_only_what_is_looked_at_is_laid_out() -> None:
    """A hundred thousand blocks cost no layout but that of a screen."""
    seen: list[Block] = []

    def lay_out(block: Block, shape: Shape) -> list[Row]:
        seen.append(block)
        return rows_of(block, shape)

    blocks: list[Block] = [Remark("word " * 50) for _ in range(100_000)]
    index = RowIndex(lay_out, likely_rows, Shape(80))
    index.update(blocks, Changed(frozenset(), 0))
    index.settle_before(blocks, len(blocks), 40)
    assert len(seen) < 40
    assert index.row_of(index.place(index.total - 1)) == index.total - 1


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize("width", [8, 40, 150])
def test_diffs_have_only_styles_that_there_are_and_fit(width: int, side_by_side: bool) -> None:
    """In every width; nothing of a line is lost."""
    rows = diff_rows(FileDiff("x.py", "changed", DIFF), Shape(width, side_by_side))
    names = {name for row in rows for span in row for name in span.style.split()}
    assert {f"transcript--{name}" for name in names} <= TranscriptView.COMPONENT_CLASSES
    text = "".join(span.text for row in rows for span in row)
    assert (side_by_side and width < 100) or "return12" in "".join(text.split())


def test_the_numbers_and_kinds_of_a_diffs_lines() -> None:
    """Its two names are no lines; a line that looks like a name within it is one."""
    assert [(line.kind, line.before, line.after) for line in lines_of(DIFF, 99)] == [
        ("@", 0, 0),
        (" ", 1, 1),
        ("-", 2, 0),
        ("+", 0, 2),
        ("+", 0, 3),
        ("-", 3, 0),
    ]


def test_a_long_diff_is_folded() -> None:
    """It says how much is left out."""
    block = FileDiff("x.py", "changed", "@@ -1,1 +1,99 @@\n" + "+line\n" * 99)
    last = "".join(span.text for span in diff_rows(block, Shape(80))[-1])
    assert last.strip() == f"… {100 - SHOWN_LINES} more lines"
    block.opened = True
    assert len(diff_rows(block, Shape(80))) == 101


def test_markdown_cannot_be_closed_from_within() -> None:
    """Fences are longer than any in the text."""
    assert fenced("a\n````\nb", "") == "`````\na\n````\nb\n`````"
    assert markdown_of(FileDiff("x", "changed", "+```")).endswith("````diff\n+```\n````\n")
    assert markdown_of(Remark("done")) == "*done*\n"
