"""Looking for texts and expressions in a process that can be ended."""

import asyncio
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis.errors import InvalidArgument
from stigmer_apis.matching import Matcher, Pattern


async def lines_of(pattern: Pattern, data: bytes) -> list[tuple[int, tuple[tuple[int, int], ...]]]:
    """Where lines that match begin, and their matches."""
    async with Matcher(pattern) as matcher:
        return [(found.offset, found.spans) for found in await matcher.lines(data)]


async def test_lines_and_their_matches_without_the_codes_of_a_terminal() -> None:
    data = b"an \x1b[31merr\x1b[1mor\x1b[0m 12\nfine\nerror 3, error 4\n\x1b]0;error 9\x07\n"
    assert await lines_of(Pattern(r"error \d+", regex=True), data) == [(0, ((3, 11),)), (30, ((0, 7), (9, 16)))]
    assert [at for at, _ in await lines_of(Pattern("r+", regex=True), data)] == [0, 30]
    assert [at for at, _ in await lines_of(Pattern(r"\d+$", regex=True), data)] == [0, 30]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (Pattern("error"), [0, 6, 12]),
        (Pattern("Error"), [6]),
        (Pattern("error", match_case=True), [0]),
        (Pattern(r"\S+", regex=True), [0, 6, 12, 18]),
        (Pattern(r"E\w+", regex=True), [6, 12]),
        (Pattern("a.c"), []),
        (Pattern("a.c", regex=True), [18]),
    ],
)
async def test_capitals_count_where_there_are_some_but_not_those_of_an_escape(
    pattern: Pattern, found: list[int]
) -> None:
    assert [at for at, _ in await lines_of(pattern, b"error\nError\nERROR\nabc\n")] == found


@pytest.mark.parametrize(
    ("expression", "words"),
    [("(a", "at character 1: missing )"), ("ab[", "at character 3"), ("a{3,1}", "min repeat"), ("(" * 400, "wrong")],
)
async def test_an_expression_that_is_wrong_says_where(expression: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(words)):
        async with Matcher(Pattern(expression, regex=True)):
            raise AssertionError("it was taken")


@pytest.mark.parametrize(
    ("expression", "line"), [("(a+)+$", b"a" * 60 + b"!"), ("(.*)*x", b"y" * 60), (r"(\w+\s?)*:", b"word " * 20)]
)
async def test_an_expression_without_end_ends_its_own_process_and_nothing_else(expression: str, line: bytes) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    async with Matcher(Pattern(expression, regex=True)) as matcher:
        with pytest.raises(InvalidArgument, match="takes too long"):
            await matcher.lines(line)
        with pytest.raises(InvalidArgument, match="takes too long"):
            await matcher.lines(b"another question\n")
    ticking.cancel()
    assert ticks > 10


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text(alphabet="ab é\x1b[m1;", max_size=8), max_size=20), st.sampled_from(["a+b", "é", "b$", "^a", "."])
)
def test_the_same_lines_as_the_plainest_way(lines: list[str], expression: str) -> None:
    plain = [line.replace("\x1b", "") for line in lines]
    data = "".join(line + "\n" for line in plain).encode()

    async def look() -> list[int]:
        return [at for at, _ in await lines_of(Pattern(expression, regex=True, match_case=True), data)]

    starts = [sum(len(line.encode()) + 1 for line in plain[:n]) for n in range(len(plain))]
    assert asyncio.run(look()) == [at for at, line in zip(starts, plain, strict=True) if re.search(expression, line)]


async def test_texts_are_answered_one_by_one() -> None:
    async with Matcher(Pattern("x.", regex=True)) as matcher:
        assert await matcher.spans(["", "axb", "nothing", "éxé xy", ""]) == [(), ((1, 3),), (), ((1, 3), (4, 6)), ()]
