"""A port inside a command's own network that is served from outside.

A command without the network has a loopback of its own and nothing else. A socket that was made there goes on belonging
there wherever it is handed to: so a small process enters the command's network, listens, hands the socket over and ends,
before the command begins. No file, no bound path and no second process inside is needed, and there is no other route.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator

from stigmer_runner.sandbox.anchor import Anchor
from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.model import Listening
from stigmer_runner.sandbox.walls import Wrapped

_PATIENCE = 20.0

_ENTER = """
import ctypes, fcntl, os, socket, sys
pid, port, handed = map(int, sys.argv[1:])
libc = ctypes.CDLL(None, use_errno=True)
network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
owner = fcntl.ioctl(network, 0xB701)
libc.setns(owner, 0x10000000)
if libc.setns(network, 0x40000000) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
listener = socket.create_server(("127.0.0.1", port), backlog=128)
with socket.socket(fileno=handed) as way:
    socket.send_fds(way, [b"!"], [listener.fileno()])
"""
"""Arguments: a process in the network, the port, the socket to hand it over by. 0xB701 is NS_GET_USERNS (ioctl_ns(2)): the
namespace of users that owns the network, in which the one who made it may do everything. For root it may be its own,
which cannot be entered again; the network can all the same."""


@contextlib.contextmanager
def at_gate(wrapped: Wrapped) -> Generator[None]:
    """While inside, what `wrapped` starts may wait; afterwards it waits no more."""
    try:
        yield
    finally:
        if wrapped.gate >= 0:
            os.close(wrapped.gate)


def let_go(wrapped: Wrapped, listening: Listening | None, abandon: Callable[[], None]) -> None:
    """Serve `listening`, and let what was started go on. Blocks.

    Raises `SpawnFailed` where it cannot be served: then it was ended, and `abandon` takes its end.
    """
    if wrapped.gate < 0 or wrapped.anchor is None or listening is None:
        return
    try:
        listening.serve(_listener(wrapped.anchor, listening.port))
    except BaseException:
        os.kill(wrapped.anchor.child(), signal.SIGKILL)  # it waits at the gate, which must not open for it
        abandon()
        raise
    os.write(wrapped.gate, b"!")


def _listener(anchor: Anchor, port: int) -> socket.socket:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            entered = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _ENTER, str(anchor.child()), str(port), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
                env={},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SpawnFailed(f"the command's own network cannot be entered: {error}") from error
        if entered.returncode != 0:
            said = entered.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise SpawnFailed(
                f"the command's own network cannot be entered ({said}): open the network, or close it, in the policy"
            )
        _, handed, _, _ = socket.recv_fds(ours, 1, 1)
        return socket.socket(fileno=handed[0])
