"""What can go wrong in a runner, beside its engine and its sandbox, which have trees of their own.

RunnerError
├── ValuesUnfit         a command cannot be given the execution's variables
├── ShellStateBroken    what carries over between command lines cannot be kept or read
├── AlreadyRunning      another runner serves this home
├── BadArguments        the process was started in a way that cannot work
├── RefusedByDaemon     the daemon does not take this runner
└── DaemonGone          there has been no daemon for too long
"""


class RunnerError(Exception):
    """Base of the runner's errors; the message is fit for a person."""


class ValuesUnfit(RunnerError):
    """The execution's variables are more than a command can be given."""


class ShellStateBroken(RunnerError):
    """The state of a session's shell cannot be kept or read."""


class AlreadyRunning(RunnerError):
    """Another runner holds the lock of this home."""


class BadArguments(RunnerError):
    """The runner was started without what it needs."""


class RefusedByDaemon(RunnerError):
    """The daemon does not take this runner: it was replaced, or is of another version."""


class DaemonGone(RunnerError):
    """There has been no daemon for a long time, and nothing to do."""
