"""One line of a terminal's output, drawn as it looks in the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from stigmer_tui.terminal.line_cells import WIDEST, draw_line
from stigmer_tui.terminal.pen import PLAIN, Pen, apply_sgr, style_of
from tests.tui.hostile import HOSTILE, is_harmless


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        (b"", ""),
        (b"10%\r20%\r100%", "100%"),
        (b"downloading\rdone", "doneloading"),
        (b"downloading\r\x1b[Kdone", "done"),
        (b"downloading\x1b[2K\rdone", "done"),
        (b"abc\x08\x08X", "aXc"),
        (b"\x08\x08a", "a"),
        (b"a\tb", "a       b"),
        (b"12345678\tb", "12345678        b"),
        (b"[#####     ]\x1b[6D##", "[#######   ]"),
        (b"abc\x1b[1Gx", "xbc"),
        (b"a\x1b[3Cb", "a   b"),
        (b"abcdef\r\x1b[2P", "cdef"),
        (b"abcdef\r\x1b[2X", "  cdef"),
        (b"abc\x1b[1Kd", "   d"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]0;title\x1b\\text", "text"),
        (b"\x1b]52;c;aGk=\x07copied", "copied"),
        (b'\x1bP$q"p\x1b\\text', "text"),
        (b"\x1b(Bletters\x1b=", "letters"),
        (b"\x1b[?25lhidden cursor\x1b[?25h", "hidden cursor"),
        (b"bell\x07 and nul\x00", "bell and nul"),
        (b"\x01\x02", "␁␂"),
        ("日本語".encode(), "日本語"),
        ("日本語\rx".encode(), "x 本語"),
        ("日本語\r\x1b[Cx".encode(), " x本語"),
        ("e\u0301t".encode(), "e\u0301t"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("é".encode()[:1], "\ufffd"),
    ],
)
def test_what_a_line_looks_like(data: bytes, text: str) -> None:
    """Returns, backspaces, erasing, tabs; what draws nothing is left out."""
    assert draw_line(data).text == text


def test_colours_are_kept_in_runs() -> None:
    """Each run in its pen, the last pen goes on in the next line."""
    line = draw_line(b"a\x1b[1;31mb\x1b[0mc\x1b[38;5;208md\x1b[48;2;1;2;3me")
    assert [(run.text, run.pen) for run in line.runs] == [
        ("a", PLAIN),
        ("b", Pen(bold=True, color=1)),
        ("c", PLAIN),
        ("d", Pen(color=208)),
        ("e", Pen(color=208, background="#010203")),
    ]
    assert draw_line(b"next", line.pen).runs[0].pen == Pen(color=208, background="#010203")


@pytest.mark.parametrize(
    ("parameters", "pen"),
    [
        ("", PLAIN),
        ("1;3;4;7;9", Pen(bold=True, italic=True, underline=True, reverse=True, strike=True)),
        ("1;2;22", PLAIN),
        ("4:3", Pen(underline=True)),
        ("4:0", PLAIN),
        ("97;107", Pen(color=15, background=15)),
        ("31;39", PLAIN),
        ("38:2::10:20:30", Pen(color="#0a141e")),
        ("38:5:9", Pen(color=9)),
        ("58;5;1;1", Pen(bold=True)),
        ("38;5", PLAIN),
        ("38;2;300;0;0;1", PLAIN),
        ("5;8", PLAIN),
        ("99999999;1", Pen(bold=True)),
    ],
)
def test_colour_sequences(parameters: str, pen: Pen) -> None:
    """All forms in use; nonsense changes nothing. Blinking and hiding are not obeyed."""
    assert apply_sgr(PLAIN, parameters) == pen
    style_of(pen)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_output_is_harmless(text: str) -> None:
    """Whatever a program prints, only text and colours are drawn."""
    assert is_harmless(draw_line(text.encode("utf-8", "surrogatepass")).text)


@given(
    st.lists(
        st.sampled_from(
            [
                b"a",
                "日".encode(),
                b"\r",
                b"\x08",
                b"\x1b[K",
                b"\x1b[3C",
                b"\x1b[2D",
                b"\x1b[5G",
                b"\x1b[31m",
                b"\t",
                b"\x1b[2P",
                b"\x1b[X",
            ]
        ),
        max_size=40,
    )
)
def test_any_editing_leaves_whole_characters(pieces: list[bytes]) -> None:
    """Half of a wide character is never left, whatever writes over it."""
    line = draw_line(b"".join(pieces))
    assert is_harmless(line.text)
    assert cell_len(line.text) <= 400


@given(st.binary(max_size=200))
def test_any_bytes_are_drawn(data: bytes) -> None:
    """Without an error, and harmless."""
    assert is_harmless(draw_line(data).text)


def test_a_cursor_far_away_costs_little() -> None:
    """A sequence may name any column; the line stays bounded."""
    assert len(draw_line(b"\x1b[999999Cx\x1b[99999999Cy").text) <= WIDEST + 2
