"""What a call would touch, as far as a policy asks."""

from dataclasses import dataclass

from stigmer_runner.policy.commands import ParsedLine


@dataclass(frozen=True)
class Subject:
    """A call, told for the person and for the policy."""

    summary: str
    """What will happen, whole; made visible by whoever prepares the call."""
    reads: tuple[str, ...] = ()
    """Paths below the workspace that are read; `.` for all of it."""
    writes: tuple[str, ...] = ()
    """Paths below the workspace that are changed."""
    hosts: tuple[str, ...] = ()
    """`name` or `name:port` of other machines, in small letters."""
    line: str = ""
    """The command line, where there is one."""
    parsed: ParsedLine | None = None
    """The same, taken apart."""
