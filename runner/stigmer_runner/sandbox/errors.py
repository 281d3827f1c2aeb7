"""What can go wrong between a command line and its end.

SandboxError
+-- LayoutRefused       the directories that Stigmer was given cannot be walled off
+-- WorkspaceRefused    the directory to work in cannot be one
+-- SpawnFailed         the command could not be started
+-- SandboxClosed       the sandbox was closed before
+-- InputRefused        a byte for the command could not be taken
    +-- InputQueueFull  the command does not read what it was sent
    +-- CommandEnded    the command is over
"""


class SandboxError(Exception):
    """Base of every error of the sandbox; its text is written for the person who runs the command."""


class LayoutRefused(SandboxError):
    """The directories of Stigmer, as given, cannot be kept apart from what commands may see."""


class WorkspaceRefused(SandboxError):
    """The directory to work in is missing, is no directory, belongs to the system, or would expose Stigmer's own files."""


class SpawnFailed(SandboxError):
    """A command could not be started: a program is missing, or the system refused."""


class SandboxClosed(SandboxError):
    """The sandbox was closed: it starts nothing any more."""


class InputRefused(SandboxError):
    """Bytes for a command were not taken."""


class InputQueueFull(InputRefused):
    """More is queued for the command than it reads: nothing of this write was taken, and it may be tried again later."""


class CommandEnded(InputRefused):
    """The command is over: nobody will read."""
