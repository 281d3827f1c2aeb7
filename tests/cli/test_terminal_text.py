"""Bytes on their way to standard output."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.cli.terminal_text import Harmless, LineEnds, OutputFilter, Unchanged, output_filter

HOSTILE = [
    b"\x1b]52;c;ZXZpbA==\x07",
    b"\x1b]52;c;ZXZpbA==\x1b\\",
    b"\x1b]0;title\x07",
    b"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
    b"\x1bP$qm\x1b\\",
    b"\x1b_Gpayload\x1b\\",
    b"\x1b[2J\x1b[H",
    b"\x1b[?1049h",
    b"\x1b[?2004h",
    b"\x1b[6n",
    b"\x1b[21t",
    b"\x1bc",
    b"\x1b(0",
    b"\xc2\x9b2J",
    b"\x1b\n[2J",
    b"\x1b[2\n[2J",
    b"\x05\x0e\x7f",
]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def through(wanted: OutputFilter, parts: list[bytes]) -> bytes:
    return b"".join(wanted.feed(part) for part in parts) + wanted.finish()


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_raw_passes_every_byte(data: bytes, cuts: list[int]) -> None:
    assert through(Unchanged(), pieces(data, cuts)) == data


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n"]), max_size=30), st.lists(st.integers(0, 60)))
def test_line_ends_do_not_depend_on_where_chunks_are_cut(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    assert through(LineEnds(), pieces(data, cuts)) == data.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("sequence", HOSTILE)
@given(cut=st.integers(0, 40))
def test_a_terminal_gets_no_sequence_that_commands_it(sequence: bytes, cut: int) -> None:
    shown = through(Harmless(), pieces(b"before" + sequence + b"after", [cut]))
    assert shown.startswith(b"before")
    assert shown.endswith(b"after\x1b[0m")
    assert b"\x1b" not in shown.removesuffix(b"\x1b[0m")
    assert b"\xc2\x9b" not in shown


@given(st.binary(max_size=100), st.lists(st.integers(0, 100)))
def test_whatever_comes_only_colours_and_moves_in_the_line_stay(data: bytes, cuts: list[int]) -> None:
    shown = through(Harmless(), pieces(data, cuts)).removesuffix(b"\x1b[0m")
    for found in shown.split(b"\x1b")[1:]:
        assert found.startswith(b"[")
        assert found.lstrip(b"[0123456789;:")[:1] in (b"m", b"K", b"C", b"D", b"G")


def test_colours_and_line_editing_pass() -> None:
    data = b"\x1b[1;31mred\x1b[0m\r\x1b[K50%\ttab\x08\n"
    assert through(Harmless(), [data]) == data + b"\x1b[0m"


def test_an_endless_sequence_is_not_kept_for_ever() -> None:
    wanted = Harmless()
    wanted.feed(b"\x1b]0;")
    for _ in range(40):
        wanted.feed(b"x" * 8192)
    assert wanted.feed(b"shown") == b"shown"


@pytest.mark.parametrize(
    ("raw", "to_terminal", "kind"),
    [(True, True, Unchanged), (True, False, Unchanged), (False, True, Harmless), (False, False, LineEnds)],
)
def test_the_destination_decides(raw: bool, to_terminal: bool, kind: type) -> None:
    assert isinstance(output_filter(raw=raw, to_terminal=to_terminal), kind)
