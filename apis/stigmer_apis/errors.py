"""What can go wrong, as one tree. Each error says what failed and on what, and in `remedy` how to mend it.

    StigmerError
    ├── InvalidArgument            the request breaks a rule; `violations` say which field and which rule
    │   ├── ManyInvalid            many resources at once: every mistake of all of them
    │   ├── MessageTooLarge        it is larger than may be sent
    │   └── ConfigError            a setting means nothing: in the file, in the environment, on the command line
    ├── NotFound
    ├── AlreadyExists
    ├── FailedPrecondition         right request, wrong state
    │   ├── HomeError              the directory of the state cannot be used
    │   ├── DaemonMismatch         client and server do not speak the same protocol
    │   ├── NotStigmer             something else answers at the socket
    │   └── NotTrusted             a server on the network cannot prove that it is the one that was meant
    ├── Aborted                    somebody else was faster
    │   └── SequenceGap            events do not follow on what is known
    ├── Unauthenticated            no token, or one that the server does not know
    ├── PermissionDenied           the token's role may not do this
    ├── ResourceExhausted
    ├── Unavailable                nobody answers, or not now
    │   ├── NotRunning             no server runs for this home
    │   │   └── ServerStopped      because somebody stopped it
    │   └── DaemonNotStarted       it was started and did not come up
    ├── DeadlineExceeded
    ├── Unimplemented
    ├── DataLoss                   stored data is damaged
    └── Internal                   a fault of Stigmer's own

`errors_grpc` maps each to a gRPC status and back.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that breaks one rule."""

    field: str
    """Path from the request: `spec.message`, `metadata.tags[2]`."""
    rule: str
    """Id of the rule: `string.min_len`."""
    message: str
    """What the rule wants, in words for a person."""


class StigmerError(Exception):
    """Anything that Stigmer foresaw. `message` says what failed, on what; `remedy` how to mend it, empty where nothing can be done."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Message and remedy, as a person reads them."""
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class InvalidArgument(StigmerError):
    """The request breaks a rule. `violations` name the fields."""

    def __init__(self, message: str, *, remedy: str = "", violations: Sequence[FieldViolation] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.violations = tuple(violations)


class ManyInvalid(InvalidArgument):
    """Many resources at once break rules: `violations` name all fields of all of them, each from the request."""


class MessageTooLarge(InvalidArgument):
    """A message is larger than may be sent."""


class ConfigError(InvalidArgument):
    """A setting has a value that means nothing, or is none. Its text says which, where it stands, and what it may be; a line a problem."""


class NotFound(StigmerError):
    """Nothing of that name or id."""


class AlreadyExists(StigmerError):
    """The name is taken."""


class FailedPrecondition(StigmerError):
    """The request is right, the state is not: an execution that has ended, a resource in use."""


class HomeError(FailedPrecondition):
    """The directory where Stigmer keeps its state cannot be used."""


class DaemonMismatch(FailedPrecondition):
    """Client and server do not speak the same protocol."""


class NotStigmer(FailedPrecondition):
    """Something else than Stigmer answers at the socket."""


class NotTrusted(FailedPrecondition):
    """A server on the network is not the one that was meant, or cannot prove it."""


class Aborted(StigmerError):
    """Somebody else changed the same thing first."""


class SequenceGap(Aborted):
    """Events that do not follow on what is known: `expected` is the sequence that would."""

    def __init__(self, message: str, *, remedy: str = "", expected: int = 0, got: int = 0) -> None:
        super().__init__(message, remedy=remedy)
        self.expected = expected
        self.got = got


class Unauthenticated(StigmerError):
    """No token, or one that the server does not know."""


class PermissionDenied(StigmerError):
    """The token's role may not do this."""


class ResourceExhausted(StigmerError):
    """Full: disk, memory, or a limit of the server."""


class Unavailable(StigmerError):
    """Nobody answers, or the server cannot answer now. Trying again later may help."""


class NotRunning(Unavailable):
    """No server runs for this home."""


class ServerStopped(NotRunning):
    """The server was stopped by somebody's wish, and is not started by whoever was connected to it."""


class DaemonNotStarted(Unavailable):
    """The server was started and did not come up."""


class DeadlineExceeded(StigmerError):
    """No answer in the time given; the request may have taken effect."""


class Unimplemented(StigmerError):
    """The server does not know this request."""


class DataLoss(StigmerError):
    """Stored data is damaged and cannot be given back as it was."""


class Internal(StigmerError):
    """A fault of Stigmer's own."""
