"""A daemon that only counts, as a process of its own: for what a client does when its server is killed and started again.

One execution, `COUNTING`, has an event more every few milliseconds. How many there are stands in a file, written before they are shown, so that a
daemon started after a kill goes on where the last one was: same store, same incarnation. Only one holds a home; a second one ends with code 3, as
the real one does. Each start adds a line to `data/starts`.
"""

import asyncio
import fcntl
import os
import signal
import sys
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.home import Home
from tests.support.scripted_backend import ScriptedBackend

COUNTING = "aex-counting"
"""The execution whose events are counted."""

FIRST_EVENTS = 3
"""Events before the first that counts: created, pending, in progress."""

_PAUSE_SECONDS = 0.002
_BATCH = 5


def counting_daemon(home: Home, *, events: int = 0, fail: str = "") -> tuple[str, ...]:
    """The command of a daemon that counts to `events` and then ends the execution; with `fail`, it says that and ends with code 70."""
    root = Path(__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); from tests.apis.counting_daemon import main; main()"
    return (sys.executable, "-c", code, str(home.root), str(home.run), str(events), fail)


def starts_of(home: Home) -> list[int]:
    """The pids of all daemons that held `home`."""
    path = home.data / "starts"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def kill(pid: int) -> None:
    """End a daemon as a crash does, where it still lives."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


async def _serve(home: Home, events: int) -> None:
    counted = home.data / "counted"
    backend = ScriptedBackend(home, heartbeat=0.5)
    backend.pid = os.getpid()
    backend.add_execution(execution_id=COUNTING, phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    number = int(counted.read_text()) if counted.exists() else 0
    backend.emit(COUNTING, *(_event(n) for n in range(1, number + 1)))
    with (home.data / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    await backend.start()
    while number < events:
        batch = range(number + 1, min(number + _BATCH, events) + 1)
        number = batch[-1]
        _write(counted, number)
        backend.emit(COUNTING, *(_event(n) for n in batch))
        await asyncio.sleep(_PAUSE_SECONDS)
    if events:
        backend.move(COUNTING, ExecutionPhase.EXECUTION_COMPLETED)
    await asyncio.Event().wait()


def _write(path: Path, number: int) -> None:
    """Whole or not at all: a kill may come at any moment."""
    other = path.with_suffix(".new")
    other.write_text(str(number))
    other.replace(path)


def _event(number: int) -> ev.Event:
    return ev.Event(time_unix_micros=number, log_line=ev.LogLine(text=str(number)))


def main() -> None:
    """Arguments: root, run directory, events, words to fail with."""
    root, run, events, fail = sys.argv[1:]
    home = Home(Path(root), Path(run))
    home.prepare()
    if fail:
        print(fail, file=sys.stderr)
        raise SystemExit(70)
    with (home.data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(3) from None
        asyncio.run(_serve(home, int(events)))
