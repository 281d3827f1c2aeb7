"""A pseudo-terminal and the process in it: pexpect's, but spawned by `subprocess`.

pexpect and ptyprocess fork the whole interpreter, and 17 to 30 in 100 children of a process that runs gRPC died between
fork and exec; `subprocess` uses `vfork` and failed in 0 of 1,000. The whole of pexpect stays usable (`expect`,
`sendline`) for short scripted dialogues; what streams puts `child_fd` on its event loop instead.
"""

import fcntl
import os
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pexpect
import ptyprocess

from stigmer_runner.sandbox.confinement import Confinement

if TYPE_CHECKING:
    _Spawn = pexpect.spawn[bytes]
else:
    _Spawn = pexpect.spawn

_IUTF8 = 0o40000
"""Linux: erasing in line mode takes a whole character, as in every terminal emulator; Python has no name for it."""

_TIOCGSID = 0x5429
"""Linux: which session a terminal belongs to."""


@dataclass(frozen=True)
class Launch:
    """A process to start in a terminal."""

    arguments: Sequence[str]
    """The program, absolute, and its arguments."""
    environment: Mapping[str, str]
    """All of it: nothing is inherited."""
    directory: str
    pass_fds: tuple[int, ...] = ()
    """Descriptors that the process keeps, with these numbers; all others are closed in it."""
    new_session: bool = False
    """Whether it leads a session from the start; not for `setsid`, which would then have to fork."""
    columns: int = 80
    rows: int = 24
    confinement: Confinement | None = None
    """What the thread that starts it puts on itself before."""


class TerminalProcess(ptyprocess.PtyProcess):
    """ptyprocess's handle of a process that `subprocess` made."""

    device: int
    """The terminal's device number."""
    _popen: subprocess.Popen[bytes]

    @classmethod
    def launch(cls, launch: Launch) -> "TerminalProcess":
        """Start it with the terminal as standard input, output and error.

        The program makes the terminal its controlling one (`setsid -c`), directly or further down. Raises `OSError`.
        """
        master, slave = os.openpty()
        try:
            device = os.fstat(slave).st_rdev
            attributes = termios.tcgetattr(slave)
            attributes[0] |= _IUTF8
            termios.tcsetattr(slave, termios.TCSANOW, attributes)
            set_size(slave, launch.columns, launch.rows)
            spawn = partial(
                subprocess.Popen[bytes],
                list(launch.arguments),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=launch.directory,
                env=launch.environment,
                pass_fds=launch.pass_fds,
                start_new_session=launch.new_session,
            )
            process = spawn() if launch.confinement is None else launch.confinement.start(spawn, slave)
        except BaseException:
            os.close(master)
            raise
        finally:
            os.close(slave)
        instance = cls(process.pid, master)
        instance.device = device
        instance._popen = process
        instance.argv = launch.arguments
        instance.delayafterclose = 0
        instance.delayafterterminate = 0.02
        return instance

    def isalive(self) -> bool:
        """Whether it runs; asks `subprocess`, which reaps it."""
        return self._take(self._popen.poll())

    def wait(self) -> int | None:
        """Wait for the end and return the exit status, None where a signal ended it."""
        self._take(self._popen.wait())
        return self.exitstatus

    def _take(self, returncode: int | None) -> bool:
        if returncode is None:
            return True
        self.terminated = True
        self.status = returncode
        self.exitstatus = returncode if returncode >= 0 else None
        self.signalstatus = -returncode if returncode < 0 else None
        return False


class Terminal(_Spawn):
    """pexpect's `spawn` of a `Launch`, without its sleeps."""

    ptyproc: TerminalProcess

    def __init__(self, launch: Launch) -> None:
        """Raises `OSError` where the process cannot be started."""
        self._launch = launch
        super().__init__(
            launch.arguments[0],
            list(launch.arguments[1:]),
            timeout=None,
            maxread=65536,
            dimensions=(launch.rows, launch.columns),
            use_poll=True,
        )
        self.delaybeforesend = None
        self.delayafterclose = 0
        self.delayafterterminate = 0.02

    def _spawnpty(self, args: Sequence[str | bytes], **_: object) -> TerminalProcess:
        return TerminalProcess.launch(self._launch)

    def abandon(self) -> None:
        """It was ended before it began: take its end, and give up the terminal."""
        self.ptyproc.wait()
        self.release()

    def release(self) -> None:
        """Give up the terminal, ending nothing: whoever still holds it is hung up on."""
        if not self.closed:
            self.ptyproc.fileobj.close()
            self.ptyproc.fd = self.child_fd = -1
            self.ptyproc.closed = self.closed = True


def set_size(fd: int, columns: int, rows: int) -> None:
    """Set a terminal's size; the kernel tells the programs in the foreground."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def session_of(fd: int) -> int | None:
    """The process that leads the session of the terminal `fd`, None where it has none."""
    try:
        answer = fcntl.ioctl(fd, _TIOCGSID, bytes(4))
    except OSError:
        return None
    leader: int = struct.unpack("i", answer)[0]
    return leader
