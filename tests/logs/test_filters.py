"""Filters: what they mean, and that the process which looks finds exactly those lines, whatever the blocks."""

import random
import re
import time
from pathlib import Path

import pytest

from stigmer_apis.errors import InvalidArgument
from stigmer_tui.logs.patterns import filter_of, within_a_line
from stigmer_tui.logs.scan import Scan
from stigmer_tui.logs.store import LogStore
from tests.support.scale import scaled

PATIENCE = 60.0


def through(scan: Scan) -> Scan:
    """Look to the end."""
    deadline = time.monotonic() + PATIENCE
    while not scan.through:
        scan.step(0.05)
        assert time.monotonic() < deadline, "it does not end"
    scan.step(0.01)
    return scan


def found(data: bytes, directory: Path, *filters: str, context: int = 0) -> list[bytes]:
    """The lines that filters leave."""
    path = directory / "log"
    path.write_bytes(data)
    store = LogStore(path)
    scan = through(Scan(store, [filter_of(each) for each in filters], context))
    scan.close()
    assert not scan.problem
    ends = [data.find(b"\n", row) for row in scan.rows]
    lines = [data[row : end if end >= 0 else len(data)] for row, end in zip(scan.rows, ends, strict=True)]
    store.close()
    return lines


LINES = [
    b'{"level":"error","status":500,"path":"/a"}',
    b"level=info status=200 path=/b",
    b"nothing here",
    b"",
    b"Timeout of worker",
    b"mystatus=900",
    b'{"status": "503", "message": "timeout"}',
    "Grüße, ÄRGER".encode(),
]


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (["timeout"], [4, 6]),
        (["Timeout"], [4]),
        (["!timeout"], [0, 1, 2, 3, 5, 7]),
        (["/time.?out/"], [6]),
        (["/time.?out/i"], [4, 6]),
        (["/^$/"], [3]),
        (["/here$/"], [2]),
        ([r"/r\s+n/"], []),
        (["/[^a-z]status/"], [0, 1, 6]),
        (["status=200"], [1]),
        (["status=500"], [0]),
        (["status>=500"], [0, 6]),
        (["status<300"], [1]),
        (["!status>=500", "!/^$/"], [1, 2, 4, 5, 7]),
        (["level!=info"], [0, 2, 3, 4, 5, 6, 7]),
        (["path=/a", "level=error"], [0]),
        (['"status=200"'], [1]),
        (["ÄRGER"], [7]),
    ],
)
def test_what_filters_mean(tmp_path: Path, filters: list[str], rows: list[int]) -> None:
    """Each form, with and without an end of the last line."""
    wanted = [LINES[row] for row in rows]
    assert found(b"\n".join(LINES) + b"\n", tmp_path, *filters) == wanted
    assert found(b"\n".join(LINES), tmp_path, *filters) == wanted


@pytest.mark.parametrize("seed", range(scaled(3, 40)))
def test_the_same_lines_as_one_by_one(tmp_path: Path, seed: int) -> None:
    """Expressions that could look past the end of a line, in text of a few letters, over the edges of blocks; with neighbours."""
    random.seed(seed)
    words = [b"a", b"b", b" ", b"ab", b"x" * 50, b"\n", b"\n", b"\t"]
    data = b"".join(random.choice(words) for _ in range(60_000))
    lines = data.split(b"\n")
    for expression in (r"a\s+b", r"b[^a]*a", r"\W\Wa$", r"^x+$", r"(?s)a.{3}b", r"a\n?b\s"):
        expected = [n for n, line in enumerate(lines) if re.search(expression.encode(), line)]
        got = found(data, tmp_path, f"/{expression}/")
        assert got == [lines[n] for n in expected], expression
    for context in (1, 3):
        expected = [n for n, line in enumerate(lines) if b"ab\tab" in line]
        near = sorted({m for n in expected for m in range(n - context, n + context + 1) if 0 <= m < len(lines)})
        if data.endswith(b"\n") and near and near[-1] == len(lines) - 1:
            near.pop()
        assert found(data, tmp_path, "ab\tab", context=context) == [lines[n] for n in near]


def test_an_expression_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """And nothing else is: another filter works."""
    path = tmp_path / "log"
    path.write_bytes(b"a" * 60 + b"!\n")
    store = LogStore(path)
    scan = through(Scan(store, [filter_of("/(a+)+$/")]))
    assert "too long" in scan.problem
    scan.close()
    other = through(Scan(store, [filter_of("!")]))
    assert not other.problem
    other.close()
    store.close()


def test_what_is_no_filter_is_said() -> None:
    """With the place."""
    with pytest.raises(InvalidArgument, match="character 2"):
        filter_of("/(/")
    with pytest.raises(InvalidArgument, match="number"):
        filter_of("status>many")
    with pytest.raises(InvalidArgument, match="empty"):
        filter_of(" ")


def test_what_comes_is_looked_through(tmp_path: Path) -> None:
    """A line without an end is looked at again when it has more; rotation and counts included."""
    path = tmp_path / "log"
    path.write_bytes(b"one error\nan err")
    store = LogStore(path)
    scan = through(Scan(store, [filter_of("error"), filter_of("!an")]))
    assert (list(scan.rows), scan.counts) == ([0], [1, 1])
    with path.open("ab") as log:
        log.write(b"or\nmore error")
    store.refresh()
    through(scan)
    through(scan)
    assert (list(scan.rows), scan.counts) == ([0, 19], [3, 2])
    path.rename(tmp_path / "log.1")
    path.write_bytes(b"error of the next\n")
    store.refresh()
    through(scan)
    assert list(scan.rows) == [0, 19, 30]
    assert scan.matches == 3
    scan.close()
    store.close()


def test_a_line_of_many_megabytes(tmp_path: Path) -> None:
    """Is one line, and found."""
    size = scaled(12_000_000, 100_000_000)
    data = b"first\n" + b"z" * size + b"needle\nlast needle\n"
    path = tmp_path / "log"
    path.write_bytes(data)
    store = LogStore(path)
    scan = through(Scan(store, [filter_of("needle")]))
    assert scan.rows[-1] == len(data) - 12
    scan.close()
    store.close()


def test_expressions_stay_within_a_line() -> None:
    """By what they are made of; brackets first in a class are letters."""
    assert within_a_line(r"[^]a]\s[\s]\W") == r"[^\n\]a][^\S\n][\s][^\w\n]"
    assert within_a_line(r"\[^a[]b]") == r"\[^a[\]b]"
