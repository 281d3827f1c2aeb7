"""Exit codes are an interface: the last command's own code passes through `stigmer run`, and what Stigmer itself has to say is 64 and up.

The numbers are those of sysexits.h where it has a fitting one. `docs/exit-codes.md` lists them; a test compares the two.
"""

from enum import IntEnum

from stigmer_apis import errors


class ExitCode(IntEnum):
    """What a command ends with."""

    OK = 0
    """It worked."""
    USAGE = 64
    """The command line was not understood."""
    BAD_INPUT = 65
    """A value was refused: a workspace that does not exist, a message that is too large, a file that describes something wrongly."""
    NOT_FOUND = 66
    """Nothing of that name or id: a resource, a run, a version."""
    UNAVAILABLE = 69
    """The daemon could not be reached or started."""
    INTERNAL = 70
    """Stigmer did something wrong. The message names the log."""
    CONFLICT = 73
    """It exists already, or somebody else changed it meanwhile; nothing was overwritten."""
    EXHAUSTED = 75
    """Out of something: disk, room in a queue. Later it may work."""
    DENIED = 77
    """The role of this client does not allow it."""
    HOME = 78
    """STIGMER_HOME cannot be used."""
    STATE = 79
    """Not possible in the state that things are in, such as a message for a run that has ended, or a delete of what others hold."""
    RUN_FAILED = 80
    """The run ended as FAILED."""
    RUN_CANCELLED = 81
    """The run was cancelled."""
    INTERRUPTED = 130
    """Ctrl+C here. The run goes on."""
    CLOSED_PIPE = 141
    """Whoever read the output has gone."""


def exit_code_of(error: errors.StigmerError) -> ExitCode:
    """The exit code that tells a script what went wrong."""
    match error:
        case errors.InvalidArgument():
            return ExitCode.BAD_INPUT
        case errors.NotFound():
            return ExitCode.NOT_FOUND
        case errors.AlreadyExists() | errors.Aborted():
            return ExitCode.CONFLICT
        case errors.HomeError():
            return ExitCode.HOME
        case errors.DaemonMismatch() | errors.NotStigmer() | errors.Unavailable() | errors.DeadlineExceeded():
            return ExitCode.UNAVAILABLE
        case errors.FailedPrecondition() | errors.DataLoss():
            return ExitCode.STATE
        case errors.PermissionDenied() | errors.Unauthenticated():
            return ExitCode.DENIED
        case errors.ResourceExhausted():
            return ExitCode.EXHAUSTED
        case _:
            return ExitCode.INTERNAL
