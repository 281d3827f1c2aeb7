"""Our own interface, and what we added to the published one, is what its golden listing says."""

import pytest

from protogen.listing import own, removed
from tests.contract.generated import image
from tests.contract.golden import assert_listed


def test_it_is_the_golden_one() -> None:
    assert_listed("own.txt", own(image()))


def test_an_addition_removes_nothing() -> None:
    assert removed("message Run\n  1 id string\n", "message Halt\n\nmessage Run\n  1 id string\n  2 at int64\n") == []


@pytest.mark.parametrize(
    "after",
    ["message Run\n", "message Run\n  2 id string\n", "message Run\n  1 id bytes\n", "message Halt\n  1 id string\n"],
)
def test_a_change_removes_the_line_of_before(after: str) -> None:
    assert removed("message Run\n  1 id string\n", after)
