"""Exit codes are an interface: the documentation lists each, and each failure to start has its own."""

import ast
import errno
import inspect
from pathlib import Path

import pytest

from stigmer_apis import errors
from stigmer_apis.errors import ConfigError, HomeError
from stigmer_backend.access import TokensUnreadable
from stigmer_backend.access.errors import AuthorityUnusable
from stigmer_backend.daemon import exits
from stigmer_backend.daemon.exits import Exit
from stigmer_backend.daemon.failures import exit_of, store_failure
from stigmer_backend.daemon.hardening import HardeningError
from stigmer_backend.daemon.sockets import SocketTaken
from stigmer_backend.store import (
    Conflict,
    DatabaseInUse,
    DatabaseMissing,
    ExecutionExists,
    ExtraMissing,
    FormatTooNew,
    ProducerGap,
    ServerRefused,
    SlugTaken,
    StaleEpoch,
    StoreClosed,
    StoreDamaged,
    StoreFull,
    StoreLocked,
    StoreLost,
    StoreStopped,
    UnknownExecution,
    UnknownRecord,
)

PAGE = Path(__file__).parents[2] / "docs" / "daemon.md"


def _rows_in_the_code() -> list[str]:
    body = next(node for node in ast.parse(inspect.getsource(exits)).body if isinstance(node, ast.ClassDef)).body[1:]
    rows: list[str] = []
    for assignment, words in zip(body[::2], body[1::2], strict=True):
        assert isinstance(assignment, ast.Assign)
        assert isinstance(words, ast.Expr)
        name = ast.unparse(assignment.targets[0])
        rows.append(f"| {Exit[name].value} | {name} | {ast.literal_eval(words.value)} |")
    return rows


def test_the_page_lists_every_code() -> None:
    listed = PAGE.read_text().partition("## Exit codes")[2].strip().splitlines()[2:]
    assert listed == _rows_in_the_code()


def _full_home() -> HomeError:
    error = HomeError("cannot write")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), Exit.USAGE),
        (HomeError("x"), Exit.HOME_UNUSABLE),
        (PermissionError(errno.EACCES, "x"), Exit.HOME_UNUSABLE),
        (_full_home(), Exit.DISK_FULL),
        (OSError(errno.ENOSPC, "x"), Exit.DISK_FULL),
        (StoreFull(Path("x"), "x"), Exit.DISK_FULL),
        (StoreLocked(Path("x"), "process 7"), Exit.ALREADY_RUNNING),
        (FormatTooNew(Path("x"), 2, 1, "2.0"), Exit.STORE_NEWER),
        (StoreDamaged(Path("x"), "byte 7", "x"), Exit.STORE_DAMAGED),
        (DatabaseMissing(Path("x"), "x"), Exit.STORE_DAMAGED),
        (StoreStopped("x"), Exit.STORE_STOPPED),
        (ServerRefused("x", "y", "z"), Exit.STORE_AWAY),
        (ExtraMissing("x"), Exit.USAGE),
        (DatabaseInUse("x", "y"), Exit.STORE_IN_USE),
        (StoreLost("x", "y"), Exit.STORE_STOPPED),
        (SocketTaken("x"), Exit.SOCKET_TAKEN),
        (TokensUnreadable(Path("x"), "x"), Exit.TOKENS_UNREADABLE),
        (AuthorityUnusable(Path("x"), "x"), Exit.USAGE),
        (HardeningError("x"), Exit.UNPROTECTED),
    ],
    ids=lambda value: value.name if isinstance(value, Exit) else type(value).__name__,
)
def test_each_failure_has_its_code_and_words_on_one_line(error: Exception, code: Exit) -> None:
    for met in (error, ExceptionGroup("tasks", [ExceptionGroup("inner", [error])])):
        got, words = exit_of(met)
        assert got is code
        assert words
        assert "\n" not in words


def test_what_was_not_foreseen_has_no_words_of_its_own() -> None:
    assert exit_of(KeyError("x")) == (Exit.UNFORESEEN, "")
    assert exit_of(ExceptionGroup("tasks", [HomeError("x"), HomeError("y")])) == (Exit.UNFORESEEN, "")


def test_words_and_remedy() -> None:
    assert exit_of(HomeError("it is a file", remedy="move it"))[1] == "it is a file: move it"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreFull("x", "x"), errors.ResourceExhausted),
        (StoreStopped("x"), errors.Unavailable),
        (StoreClosed(), errors.Unavailable),
        (StoreLost("x", "y"), errors.Unavailable),
        (StoreDamaged("x", "y", "z"), errors.DataLoss),
        (UnknownExecution("aex-1"), errors.NotFound),
        (UnknownRecord("agent", "agt-1"), errors.NotFound),
        (ExecutionExists("aex-1"), errors.AlreadyExists),
        (SlugTaken("agent", "one", "agt-1"), errors.AlreadyExists),
        (Conflict("agent", "agt-1", 1, 2), errors.Aborted),
        (StaleEpoch("aex-1", "runner", 1, 2), errors.Aborted),
        (ProducerGap("aex-1", "runner", 3, 2), errors.Aborted),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_caller_is_told_of_the_store(error: Exception, told: type[errors.StigmerError]) -> None:
    assert type(store_failure(error)) is told


def test_another_error_is_not_the_stores() -> None:
    assert store_failure(KeyError("x")) is None
