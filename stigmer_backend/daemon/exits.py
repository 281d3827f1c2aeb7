"""How the daemon ends: its exit codes. They are an interface: launchers and people read them. `docs/daemon.md` lists them."""

from enum import IntEnum


class Exit(IntEnum):
    """Why the daemon ended. From 64 up somebody has to do something; a number of `stigmer`'s own commands means the same here."""

    STOPPED = 0
    """It was asked to stop, and did."""
    ALREADY_RUNNING = 3
    """Another daemon has this home; its pid is in the message."""
    USAGE = 64
    """An argument or a setting means nothing."""
    UNFORESEEN = 70
    """A mistake of Stigmer's own; the log has the traceback."""
    DISK_FULL = 75
    """There is no space to start with."""
    HOME_UNUSABLE = 78
    """The home is not ours, not writable, not a directory, its path is too long, or it was removed while it was served."""
    STORE_DAMAGED = 82
    """Bytes of the store are not those that were written, or a file of it is gone."""
    STORE_NEWER = 83
    """A newer version wrote the store."""
    STORE_STOPPED = 84
    """A write reached the disk in an unknown state, so the daemon ended at once. What was acknowledged is safe."""
    SOCKET_TAKEN = 85
    """Something that is no daemon of this home listens on its socket, or another thing stands at the socket's path."""
    TOKENS_UNREADABLE = 86
    """The file of token hashes is not what the daemon wrote there."""
    UNPROTECTED = 87
    """The operating system refused a protection that the daemon does not run without."""
    STORE_AWAY = 88
    """The storage's server does not answer, or does not let the daemon in."""
    STORE_IN_USE = 89
    """Another daemon, here or elsewhere, has the database."""
