"""Finding by a few letters."""

import pytest

from stigmer_tui.completion.fuzzy import best

PATHS = (
    "README.md",
    "docs/board.md",
    "src/widgets/board.py",
    "src/widgets/board_rows.py",
    "src/keyboard/boards/old.py",
    "tests/test_board.py",
)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("board", "docs/board.md"),
        ("board.py", "src/widgets/board.py"),
        ("wbr", "src/widgets/board_rows.py"),
        ("tb", "tests/test_board.py"),
        ("READ", "README.md"),
        ("readme", "README.md"),
        ("old", "src/keyboard/boards/old.py"),
        ("widgets board", "src/widgets/board.py"),
    ],
)
def test_the_best_comes_first(query: str, first: str) -> None:
    assert best(query, PATHS, 5, str)[0] == first


def test_nothing_else_is_found() -> None:
    assert best("xyz", PATHS, 5, str) == []
    assert best("BOARD", PATHS, 5, str) == [], "capitals count where there are some"
    assert best("", PATHS, 2, str) == list(PATHS[:2])


def test_what_is_written_is_no_expression() -> None:
    assert best(".*", ("a.b*", "plain"), 5, str) == ["a.b*"]
    assert best("[", ("a[b", "plain"), 5, str) == ["a[b"]
