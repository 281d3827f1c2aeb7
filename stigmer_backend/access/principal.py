"""Who calls: a role, decided by the server from the token alone."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Role(Enum):
    """What a caller may do. An operator may do everything that a viewer may; a runner's calls are apart from both."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Reads and changes: the person, at the app or the command line."""
    RUNNER = "runner"
    """Its own executions, over the runner's socket alone."""
    NOBODY = "nobody"
    """Has shown no token. No token carries this role; only the health check is open to it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a call."""

    role: Role
    """Its role."""
    name: str
    """In words for the log and the audit, such as `local operator`."""
    runner_id: str = ""
    """Which runner it is, for the runner's role; else empty."""
    via: str = ""
    """The machine of the daemon that passed the call on; empty where it came here at once."""


class Authenticator(Protocol):
    """Knows whom a token stands for."""

    def authenticate(self, token: str) -> Principal | None:
        """Whom `token` stands for; None for an unknown one. Raises `Unauthenticated` in words for one that was good once."""
        ...


NOBODY = Principal(Role.NOBODY, "nobody")
"""The caller of an open RPC."""

_current: ContextVar[Principal] = ContextVar("stigmer_principal")


def principal() -> Principal:
    """Who makes the call that is being answered. Raises `LookupError` outside of one."""
    return _current.get()


def passed_on_by() -> str:
    """The machine of the daemon that passed on the call that is being answered; empty for one that came here at once, and outside of a call."""
    caller = _current.get(None)
    return "" if caller is None else caller.via


@contextmanager
def acting_as(caller: Principal) -> Generator[None]:
    """Make `caller` the principal inside the block. For the interceptor, and for tests of services."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)
