"""Exit codes are an interface."""

import re
from pathlib import Path

import pytest

from stigmer_apis import errors
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of

PAGE = Path(__file__).parents[2] / "docs" / "exit-codes.md"


def test_the_page_lists_each_code_with_its_name() -> None:
    listed = {
        int(code): name for code, name in re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", PAGE.read_text(), re.MULTILINE)
    }
    assert listed == {int(code): code.name for code in ExitCode}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidArgument("x"), 65),
        (errors.MessageTooLarge("x"), 65),
        (errors.NotFound("x"), 66),
        (errors.Unavailable("x"), 69),
        (errors.DaemonNotStarted("x"), 69),
        (errors.DaemonMismatch("x"), 69),
        (errors.NotStigmer("x"), 69),
        (errors.Internal("x"), 70),
        (errors.AlreadyExists("x"), 73),
        (errors.Aborted("x"), 73),
        (errors.ResourceExhausted("x"), 75),
        (errors.PermissionDenied("x"), 77),
        (errors.Unauthenticated("x"), 77),
        (errors.HomeError("x"), 78),
        (errors.FailedPrecondition("x"), 79),
    ],
)
def test_each_error_has_its_code(error: errors.StigmerError, code: int) -> None:
    assert exit_code_of(error) == code
