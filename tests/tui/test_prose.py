"""What a model wrote, read as Markdown: what it looks like, that it may grow, that nothing of it is obeyed or lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from stigmer_tui.transcript.blocks import AgentText, plain_text
from stigmer_tui.transcript.layout import rows_of
from stigmer_tui.transcript.prose import LONGEST, prose_rows
from stigmer_tui.transcript.rows import Row, Shape
from tests.tui.hostile import HOSTILE, is_harmless

SAID = """# What I found

The **test** of `basket.py` fails, *because* of [rounding](https://example.org/round).

1. Read it
   - nested, and long enough that it does not fit into forty cells
2. Mend it
- [x] done
- [ ] open

| file | lines |
|:-----|------:|
| a.py | 12 |
| basket.py | 3 |

```python
def total(x):  # of all
    return x
```

> quoted
"""
MARKS = "#*_`[]()<>|-+=~!\\&;:.1x \n\n\t>"


def drawn(rows: list[Row]) -> list[str]:
    """The text of rows."""
    return ["".join(span.text for span in row).rstrip() for row in rows]


def styled(rows: list[Row], text: str) -> str:
    """The style of the first piece with this text."""
    return next(span.style for row in rows for span in row if text in span.text)


def test_what_markdown_looks_like() -> None:
    """Headings, emphasis, lists, boxes, tables, code in its colours, where a link leads."""
    rows = prose_rows(SAID, 40)
    assert drawn(rows) == [
        "What I found",
        "",
        "The test of basket.py fails, because of",
        "rounding (https://example.org/round).",
        "",
        "1. Read it",
        "   • nested, and long enough that it",
        "     does not fit into forty cells",
        "2. Mend it",
        "☑ done",
        "☐ open",
        "",
        "file       lines",
        "─────────  ─────",
        "a.py          12",
        "basket.py      3",
        "",
        " def total(x):  # of all",
        "     return x",
        "",
        "│ quoted",
    ]
    assert "title" in styled(rows, "What I found")
    assert "strong" in styled(rows, "test")
    assert "code" in styled(rows, "basket.py")
    assert "keyword" in styled(rows, "def")
    assert "comment" in styled(rows, "# of all")
    assert "link" in styled(rows, "rounding")


@pytest.mark.parametrize("step", [1, 7])
def test_a_text_that_grows_ends_as_if_it_had_come_whole(step: int) -> None:
    """However it is cut; and what was sealed never moves."""
    for end in range(step, len(SAID) + step, step):
        growing = prose_rows(SAID[:end], 50, "grows")
        assert growing == prose_rows(SAID[:end], 50, f"whole-{end}"), SAID[:end]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(MARKS, min_size=1, max_size=12), max_size=12))
def test_any_marks_may_grow(parts: list[str]) -> None:
    """The same, for texts that are nearly nothing but marks."""
    text = ""
    for number, part in enumerate(parts):
        text += part
        assert prose_rows(text, 30, "marks") == prose_rows(text, 30, f"marks-{number}-{hash(text)}")


@settings(max_examples=150, deadline=None)
@given(st.text(MARKS + "ab漢", max_size=200), st.integers(2, 90))
def test_rows_fit(text: str, width: int) -> None:
    """Whatever is written, and however narrow it is."""
    assert all(sum(cell_len(span.text) for span in row) <= max(2, width) for row in prose_rows(text, width))


@settings(max_examples=150, deadline=None)
@given(st.text("#*_>-+=~!.1ab漢 \n\n\t", max_size=200), st.integers(2, 90))
def test_no_word_is_lost(text: str, width: int) -> None:
    """Whatever it stands in."""
    found = "".join(drawn(prose_rows(text, width)))
    assert [letter for letter in found if letter in "ab漢"] == [letter for letter in text if letter in "ab漢"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless_in_every_place_of_a_document(text: str) -> None:
    """In headings, lists, tables, code and its language, links and where they lead."""
    text = text.encode("utf-8", "replace").decode()
    said = f"# {text}\n\n- {text}\n\n|{text}|\n|--|\n|{text}|\n\n```{text}\n{text}\n```\n\n[{text}]({text}) ![{text}](<{text}>) <{text}> > {text}"
    assert all(is_harmless(span.text) for row in prose_rows(said, 60) for span in row)


@pytest.mark.parametrize("code", ["&#27;[31m", "&#x1b;]52;c;eA==&#7;", "&#x202e;abc", "&#x200b;", "&#155;0m"])
def test_what_entities_stand_for_is_harmless(code: str) -> None:
    """A control code has no other door."""
    rows = prose_rows(f"`x` {code} [{code}](http://a/{code})", 60)
    assert all(is_harmless(span.text) for row in rows for span in row)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "*a **b " * 8000,
        "![[" * 20_000,
        "> " * 5000 + "deep",
        "- " * 500 + "deep",
        "|" * 9000 + "\n" + "|-" * 9000 + "|\n",
        "`" * 30_000 + "x",
        "x" * (LONGEST + 1),
        "- a\n" * 5000,
        "```\n" + "code *x*\n" * 3000,
    ],
)
def test_what_would_take_long_is_shown_as_it_was_written(text: str) -> None:
    """All of it is there; the suite's own deadline is the bound."""
    rows = drawn(prose_rows(text, 80))
    for word in ("deep", "x", "a"):
        assert (word in text) <= (word in "".join(rows))


def test_html_is_text() -> None:
    """Nothing of it is left out."""
    assert drawn(prose_rows("<b onclick='x'>bold</b>\n\n<script>alert(1)</script>", 60)) == [
        "<b onclick='x'>bold</b>",
        "",
        "<script>alert(1)</script>",
    ]


def test_as_it_was_written() -> None:
    """The raw form, and what is copied, are the source."""
    block = AgentText(text=SAID)
    rows = drawn(rows_of(block, Shape(80, as_written=True)))
    assert "# What I found" in rows[1]
    assert any("| basket.py | 3 |" in row for row in rows)
    assert plain_text(block) == SAID
