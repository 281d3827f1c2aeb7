"""Which runner an execution goes to.

Work goes to a runner of this machine, unless it has the label `runner`: then to one that has the label's value among its own, or has it for its id or its machine's name.
A runner of another machine has the name of its machine among its labels, and takes labelled work alone: it has a file system of its own, so that where
something runs is never an accident. Where several daemons have one database, it goes to a runner of the machine whose daemon was asked for it, while one is
connected, and else to one of another of these machines. What a run starts has its label, and goes to the runner that its parent is on: it may work in its files.

Where a session ran is remembered as long as it is there, also over starts of the daemon where that was another machine: its files are there.
"""

import platform
from collections import OrderedDict
from collections.abc import Iterable

from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.sessions import RunnerSession
from stigmer_backend.resources.kinds import SESSIONS, WORKFLOW_EXECUTIONS
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead, StateWrite, Store

LABEL = "runner"
"""Of an execution: what its runner has to have."""
_HERE = platform.node()
"""This machine, which its own runners need no label for."""
_REMEMBERED = 10_000
"""Sessions of which it is known where they ran last."""
PLACINGS = "placing"
"""Table of the runners and machines, other than this one, that have a session's files, by the session, or by the run of a workflow."""


class Placing:
    """Chooses, and remembers where sessions are."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: OrderedDict[str, str] = OrderedDict()
        self._kept: dict[str, str] = {}
        """What is stored of that."""

    async def open(self) -> None:
        """After the start: remember what is stored, and forget what was deleted since."""

        def look(state: StateRead) -> tuple[dict[str, str], list[str]]:
            rows = state.page(PLACINGS, limit=max(1, state.count(PLACINGS)), newest_first=False)
            there = {row.id: row.summary.decode() for row in rows if _is_there(state, row.id)}
            return there, [row.id for row in rows if row.id not in there]

        self._kept, gone = await self._store.read_state(look)
        self._last.update(self._kept)
        if gone:

            def forget(state: StateWrite) -> None:
                for group in gone:
                    state.delete(PLACINGS, group)

            await self._store.write(forget)

    def choose(self, live: LiveExecution, sessions: Iterable[RunnerSession]) -> RunnerSession | None:
        """The runner with the most room that may have it; where its session ran before, that one or none while it is connected (of whatever machine), and else those near."""
        last = self._last.get(_group(live)) or (self._last.get(_parent(live)) if wanted_by(live) else None)
        wanted = wanted_by(live)
        fitting = [each for each in sessions if fits(each, wanted) or (not wanted and _place(each) == last)]
        before = [session for session in fitting if _place(session) == last]
        near = [session for session in fitting if not wanted_by(live) and session.report.via == live.origin]
        chosen = max(before or near or fitting, key=lambda session: session.room_for(live.id), default=None)
        return chosen if chosen is not None and chosen.room_for(live.id) else None

    def placed(self, live: LiveExecution, session: RunnerSession) -> None:
        """It was given to that runner."""
        self._last[_group(live)] = _place(session)
        self._last.move_to_end(_group(live))
        while len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)

    async def keep(self, live: LiveExecution, session: RunnerSession) -> None:
        """Store where it is, if that is another machine: this one is where it goes without being remembered. Raises what the store raises."""
        group, report = _group(live), session.report
        place = _place(session) if report.host or report.via else ""
        if self._kept.get(group, "") == place:
            return

        def change(state: StateWrite) -> None:
            if place:
                state.put(PLACINGS, group, b"", created_ns=live.created_ns, summary=place.encode())
            else:
                state.delete(PLACINGS, group)

        await self._store.write(change)
        if place:
            self._kept[group] = place
        else:
            del self._kept[group]


def wanted_by(live: LiveExecution) -> str:
    """What its runner has to have; empty for any of this machine."""
    return live.execution.metadata.labels.get(LABEL, "")


def fits(session: RunnerSession, wanted: str) -> bool:
    """Whether a runner may have what wants this."""
    if not wanted:
        return not session.report.host
    report = session.report
    return wanted in report.labels or wanted in (report.runner_id, report.host or report.via or _HERE)


def why_waiting(live: LiveExecution, sessions: Iterable[RunnerSession]) -> str:
    """In words, for what no connected runner may have; empty where it waits for room alone."""
    wanted = wanted_by(live)
    if not wanted or any(fits(session, wanted) for session in sessions):
        return ""
    return f"waits for a runner with the label {quoted(wanted)}: none is connected"


def _parent(live: LiveExecution) -> str:
    """The workflow's run that started it, which has its files under its own id."""
    return live.parent_id


def _place(session: RunnerSession) -> str:
    """Where a runner has files: one of another host by itself, one of a daemon as that daemon's machine, whichever process it is."""
    report = session.report
    return report.runner_id if report.host else report.via or _HERE


def _is_there(state: StateRead, group: str) -> bool:
    return state.has(SESSIONS.table, group) or state.has(WORKFLOW_EXECUTIONS.table, group)


def _group(live: LiveExecution) -> str:
    """What has its files in one place."""
    session_id: str = getattr(live.execution.spec, "session_id", "")
    return session_id or live.id
