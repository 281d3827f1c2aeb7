"""What ends the daemon before it serves, and what the store's errors mean to a caller."""

import errno
from typing import cast

from stigmer_apis.errors import (
    Aborted,
    AlreadyExists,
    ConfigError,
    DataLoss,
    HomeError,
    NotFound,
    ResourceExhausted,
    StigmerError,
    Unavailable,
)
from stigmer_backend.access import TokensUnreadable
from stigmer_backend.access.errors import AuthorityUnusable
from stigmer_backend.daemon.exits import Exit
from stigmer_backend.daemon.hardening import HardeningError
from stigmer_backend.daemon.sockets import SocketTaken
from stigmer_backend.store import (
    Conflict,
    DatabaseInUse,
    DatabaseMissing,
    ExecutionExists,
    ExtraMissing,
    FormatTooNew,
    OpenRefused,
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
    UnknownStorage,
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

_EXITS: tuple[tuple[type[Exception], Exit], ...] = (
    (ConfigError, Exit.USAGE),
    (UnknownStorage, Exit.USAGE),
    (HomeError, Exit.HOME_UNUSABLE),
    (ExtraMissing, Exit.USAGE),
    (ServerRefused, Exit.STORE_AWAY),
    (StoreLost, Exit.STORE_STOPPED),
    (StoreLocked, Exit.ALREADY_RUNNING),
    (DatabaseInUse, Exit.STORE_IN_USE),
    (FormatTooNew, Exit.STORE_NEWER),
    (StoreDamaged, Exit.STORE_DAMAGED),
    (DatabaseMissing, Exit.STORE_DAMAGED),
    (StoreStopped, Exit.STORE_STOPPED),
    (OpenRefused, Exit.USAGE),
    (StoreFull, Exit.DISK_FULL),
    (SocketTaken, Exit.SOCKET_TAKEN),
    (TokensUnreadable, Exit.TOKENS_UNREADABLE),
    (AuthorityUnusable, Exit.USAGE),
    (HardeningError, Exit.UNPROTECTED),
    (OSError, Exit.HOME_UNUSABLE),
)


def exit_of(error: BaseException) -> tuple[Exit, str]:
    """With which code the daemon ends because of `error`, and what it says; no words for what was not foreseen."""
    if isinstance(error, BaseExceptionGroup):
        inner = cast("BaseExceptionGroup[BaseException]", error).exceptions
        return exit_of(inner[0]) if len(inner) == 1 else (Exit.UNFORESEEN, "")
    if _is_full(error) or _is_full(error.__cause__):
        return Exit.DISK_FULL, _words(error)
    for kind, code in _EXITS:
        if isinstance(error, kind):
            return code, _words(error)
    return Exit.UNFORESEEN, ""


def store_failure(error: Exception) -> StigmerError | None:
    """What a caller is told of an error of the store that no service put into other words."""
    match error:
        case StoreFull():
            return ResourceExhausted(
                "the disk is full, so nothing was changed", remedy="free some space; no restart is needed"
            )
        case StoreStopped() | StoreClosed() | StoreLost():
            return Unavailable(
                "the server stops, and this may or may not have been done", remedy="look again once it is back"
            )
        case StoreDamaged():
            return DataLoss(
                f"what is stored is damaged: {error.path.name} at {error.where}",
                remedy="`stigmer doctor` tells what is lost; a backup can be restored",
            )
        case UnknownExecution() | UnknownRecord():
            return NotFound(str(error))
        case ExecutionExists() | SlugTaken():
            return AlreadyExists(str(error))
        case Conflict() | StaleEpoch() | ProducerGap():
            return Aborted(str(error))
        case _:
            return None


def _is_full(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in _FULL


def _words(error: BaseException) -> str:
    """On one line."""
    if isinstance(error, StigmerError):
        return ": ".join("; ".join(part.splitlines()) for part in (error.message, error.remedy) if part)
    return str(error)
