"""The last visible line, and an output's head and tail."""

import pytest

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import OutputWindow
from stigmer_apis.fold.lines import MAX_PARTIAL_BYTES, feed, last_visible
from stigmer_apis.fold.output import Window, shown


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        (b"one\r\ntwo\r\n", "two"),
        (b"one\n\n  \n", "one"),
        (b"no end", "no end"),
        (b"10%\r20%\r30%", "30%"),
        (b"done\r", "done"),
        (b"\x1b[1;31mred\x1b[0m\n\x1b[0m\n", "red"),
        (b"\x1b]0;a title\x07text\n", "text"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", "link"),
        (b"\x1bP1$r q\x1b\\shown\n", "shown"),
        (b"\x1b(Bplain\n", "plain"),
        (b"text\x1b[", "text"),
        (b"price \xe2\x82", "price"),
        (b"price \xe2\x82\xac", "price €"),
        (b"bad \xff byte\n", "bad \ufffd byte"),
        (b"\xe2\x82\n", "\ufffd"),
        (b"tab\there\n", "tab here"),
        ("r\u202eevil\u2066 \u200bx\n".encode(), "revil x"),
        (b"\x00\x01\x02\n", ""),
        (b"", ""),
        (b"q" * 300, "q" * 120),
        (b"q" * 10_000 + b"\n", "q" * 120),
    ],
)
def test_the_last_line_that_says_something(printed: bytes, line: str) -> None:
    assert feed(b"", printed)[1] == line


def test_a_line_that_comes_byte_by_byte() -> None:
    partial, line = b"", ""
    for byte in "x\r\nä \x1b[31m€\x1b[0m 😀".encode():
        partial, now = feed(partial, bytes([byte]))
        line = now or line
    assert line == "ä € 😀"


def test_what_is_kept_of_an_endless_line_is_bounded() -> None:
    partial = b""
    for _ in range(100):
        partial, _line = feed(partial, b"x" * 1000)
    assert len(partial) == MAX_PARTIAL_BYTES


def test_the_last_line_of_a_text() -> None:
    assert last_visible("first\nsecond\n\n") == "second"


def window(*pieces: bytes) -> str:
    growing = Window(OutputWindow())
    for piece in pieces:
        growing.add(piece)
    stored = OutputWindow()
    growing.store(stored)
    assert growing.shown() == shown(stored)
    assert stored.total == sum(map(len, pieces))
    return shown(stored)


def test_a_small_output_is_whole() -> None:
    assert window(b"one ", b"\xff", b" two") == "one \ufffd two"
    assert window(b"a" * 65536) == "a" * 65536


def test_a_large_output_has_head_and_tail_and_says_how_much_is_missing() -> None:
    text = window(b"begin", b"a" * 100_000, b"z" * 100_000, b"end")
    head, marker, tail = text.split("\n")
    assert head.startswith("begin")
    assert tail.endswith("end")
    assert marker == f"… {200_008 - len(head) - len(tail):,} bytes left out …"
    assert len(text.encode()) <= 65536


def test_characters_are_not_halved_where_an_output_is_cut() -> None:
    for shift in range(4):
        text = window(b"x" * shift + "€😀".encode() * 30_000)
        assert "\ufffd" not in text
        assert len(text.encode()) <= 65536


def test_bytes_that_are_no_text_stay_within_the_limit() -> None:
    for size in (20_000, 21_846, 30_000, 43_000, 65_000, 500_000):
        text = window(b"\xff" * size)
        assert len(text.encode()) <= 65536
        assert ("bytes left out" in text) == (size * 3 > 65536)
