"""What a daemon says of its end: hooks for what nobody catches, and a note by which the next daemon knows that the last one could say nothing.

The note is a file in the run directory, there as long as the daemon lives. Who is killed from outside, by a signal that cannot be caught or by the
kernel for want of memory, leaves it behind.
"""

import asyncio
import faulthandler
import json
import logging
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, cast

from stigmer_backend.access.private_file import write_private
from stigmer_backend.daemon.own_memory import Looking, OwnMemory
from stigmer_backend.daemon.processes import identity_of

NOTE: Final = "server.alive"
"""The note's name in the run directory."""

LAST_WORDS: Final = "last-words"
"""As `Home.last_words`."""

_STANDARD_ERROR = 2
_VMSTAT = Path("/proc/vmstat")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Note:
    """A daemon that lives, or did."""

    pid: int
    identity: str
    """As `processes.identity_of`: which boot, which start."""
    since: str
    """When it started, RFC 3339."""
    memory_bytes: int
    """What it took at the last look."""
    ended_for_memory: int
    """How many processes the kernel had ended for want of memory until then, on the whole machine."""

    def words(self, ended_for_memory: int, lives_since: str) -> str:
        """What is to be said of it after its end: by whom it was probably ended. `lives_since`: the identity of a process of this boot."""
        told = f"the daemon before (pid {self.pid}, from {self.since}, {self.memory_bytes >> 20} MiB) ended without a word: "
        if self.identity.partition(":")[0] != lives_since.partition(":")[0]:
            return told + "the machine went down"
        if ended_for_memory > self.ended_for_memory:
            return told + "it was killed, probably by the kernel, which ran out of memory meanwhile (see `dmesg`)"
        return told + "it was killed from outside"


class LivingNote:
    """The note of this daemon. Made with the home's lock held."""

    def __init__(self, directory: Path, looking: Looking | None = None, step: int = 32 << 20) -> None:
        """The note is written anew when memory changed by `step` bytes."""
        self._path = directory / NOTE
        self._last_words = directory / LAST_WORDS
        self._looking = looking or Looking()
        self._step = step
        self._memory = OwnMemory()
        pid, since = os.getpid(), _now()
        self._note = Note(pid, identity_of(pid) or "", since, self._memory.taken, _ended_for_memory())

    def begin(self) -> None:
        """Say what became of the daemon before, if it could not, and leave a note of this one."""
        before = read_note(self._path)
        if before is not None:
            words = before.words(_ended_for_memory(), self._note.identity)
            _log.warning("%s", words)
            self._say(f"found at {_now()}: {words}")
        self._write()

    async def keep(self) -> None:
        """Watch the daemon's memory, and keep the note true."""
        await self._memory.watch(self._looking, self._tell)

    def end(self, trouble: str = "") -> None:
        """The daemon ends and has said why. `trouble`: what made it, where nobody asked for it; kept for whoever asks later."""
        if trouble:
            self._say(f"at {_now()} the daemon (pid {self._note.pid}) ended: {trouble}")
        else:
            self._last_words.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    async def _tell(self, taken: int) -> None:
        if abs(taken - self._note.memory_bytes) >= self._step:
            self._note = replace(self._note, memory_bytes=taken, ended_for_memory=_ended_for_memory())
            await asyncio.to_thread(self._write)

    def _say(self, words: str) -> None:
        try:
            write_private(self._last_words, " ".join(words.split()))
        except OSError as error:
            _log.info("%s cannot be written: %s", self._last_words, error.strerror)

    def _write(self) -> None:
        try:
            write_private(self._path, json.dumps(asdict(self._note)))
        except OSError as error:
            _log.info("the note %s cannot be written: %s", self._path, error.strerror)


def read_note(path: Path) -> Note | None:
    """The note that a daemon left; None where there is none, or none that can be read."""
    try:
        document: object = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    fields = cast("dict[object, object]", document)
    match [fields.get(name) for name in ("pid", "identity", "since", "memory_bytes", "ended_for_memory")]:
        case [int(pid), str(identity), str(since), int(memory), int(ended)]:
            return Note(pid, identity, since, memory, ended)
        case _:
            return None


def speak_of_crashes() -> None:
    """Let the log have the stacks of all threads where the interpreter itself fails, and at SIGUSR1, which ends nothing."""
    faulthandler.enable(_STANDARD_ERROR)
    faulthandler.register(signal.SIGUSR1, _STANDARD_ERROR)


def speak_of_failures() -> None:
    """Let the log have what nobody catches, in the main thread, in any other, and where objects go."""

    def in_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
            name = failed.thread.name if failed.thread is not None else "that is gone"
            _log.critical("the thread %s failed", name, exc_info=failed.exc_value)

    def in_main(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.critical("the daemon ends by an exception that nobody caught", exc_info=error)

    def in_passing(failed: "sys.UnraisableHookArgs") -> None:
        if failed.exc_value is not None:
            _log.error(
                "an error was left over%s", f": {failed.err_msg}" if failed.err_msg else "", exc_info=failed.exc_value
            )

    threading.excepthook, sys.excepthook, sys.unraisablehook = in_thread, in_main, in_passing


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _ended_for_memory() -> int:
    """How many processes the kernel ended for want of memory since the machine started; 0 where it does not say."""
    try:
        counts = dict(line.split() for line in _VMSTAT.read_text().splitlines())
        return int(counts.get("oom_kill", 0))
    except (OSError, ValueError):
        return 0
