"""What is kept of a schedule: a record for each workflow that has one, written with the workflow, in the same transaction."""

import json
import math
from dataclasses import asdict, dataclass, field, replace

from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2 import Schedule as Shown
from stigmer_apis.documents.nodes import MapNode
from stigmer_apis.workflow.cron import parse_cron
from stigmer_apis.workflow.document_json import Json, to_data
from stigmer_apis.workflow.model import Schedule
from stigmer_backend.resources.removal import SCHEDULES as TABLE
from stigmer_backend.store import StateRead, StateWrite

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """One schedule as it stands. Times are microseconds since 1970; 0 for never."""

    workflow_id: str
    kind: str
    text: str
    seconds: float = 0.0
    filters: tuple[dict[str, Json], ...] = ()
    """For `on`: attributes that an event must have, each of one filter."""
    wants_all: bool = False
    """For `on`: an event for each filter, and not the first that comes."""
    heard: dict[str, str] = field(default_factory=dict[str, str])
    """With `wants_all`: what came since the last start, by the place of its filter, as JSON texts."""
    paused: bool = False
    next_micros: int = 0
    last_micros: int = 0
    last_execution_id: str = ""
    last_error: str = ""
    starts: int = 0

    def encode(self) -> bytes:
        """As it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8", "surrogateescape")

    @classmethod
    def decode(cls, data: bytes) -> "Kept":
        """What `encode` wrote."""
        fields = json.loads(data.decode("utf-8", "surrogateescape"))
        fields["filters"] = tuple(fields["filters"])
        return cls(**fields)

    def following(self, due_micros: int, now_micros: int) -> int:
        """The first time to start behind now, after one that was due. What was missed in between counts as that one."""
        match self.kind:
            case "cron":
                found = parse_cron(self.text).after(max(now_micros, due_micros) / _MICROS)
                return 0 if found is None else int(found * _MICROS)
            case "every":
                step = int(self.seconds * _MICROS)
                return due_micros + max(1, math.floor((now_micros - due_micros) / step) + 1) * step
            case _:
                return 0

    def matches(self, event: dict[str, Json]) -> bool:
        """Whether an event starts it."""
        return bool(self._meant(event))

    def hears(self, event: dict[str, Json]) -> "Kept":
        """With an event that it waits for: the first of each filter counts."""
        text = json.dumps(event, ensure_ascii=False)
        open_ = [str(place) for place in self._meant(event) if str(place) not in self.heard]
        return replace(self, heard={**self.heard, open_[0]: text}) if open_ else self

    @property
    def heard_all(self) -> str:
        """The events of all filters as one JSON text, in their order; empty while one is missing."""
        found = [self.heard[str(place)] for place in range(len(self.filters)) if str(place) in self.heard]
        return f"[{', '.join(found)}]" if found and len(found) == len(self.filters) else ""

    def _meant(self, event: dict[str, Json]) -> list[int]:
        """The places of the filters that mean an event."""
        if self.kind != "on":
            return []
        return [
            place
            for place, wanted in enumerate(self.filters)
            if all(event.get(name) == each for name, each in wanted.items())
        ]

    def shown(self, workflow_name: str) -> Shown:
        """For people."""
        return Shown(
            workflow_id=self.workflow_id,
            workflow_name=workflow_name,
            kind=self.kind,
            text=self.text,
            paused=self.paused,
            next_unix_micros=0 if self.paused else self.next_micros,
            last_unix_micros=self.last_micros,
            last_execution_id=self.last_execution_id,
            last_error=self.last_error,
            starts=self.starts,
        )


def sync(state: StateWrite, workflow_id: str, schedule: Schedule | None, now_ns: int) -> None:
    """Bring the record of a workflow in line with its document; one that did not change stays as it stands."""
    data = state.data(TABLE, workflow_id)
    fresh = None if schedule is None else _kept(workflow_id, schedule, now_ns // 1000)
    if fresh is None:
        forget(state, workflow_id)
        return
    if data is not None:
        known = Kept.decode(data)
        if (known.kind, known.text, known.filters, known.wants_all) == (
            fresh.kind,
            fresh.text,
            fresh.filters,
            fresh.wants_all,
        ):
            return
        fresh = replace(
            fresh,
            paused=known.paused,
            last_micros=known.last_micros,
            last_execution_id=known.last_execution_id,
            starts=known.starts,
        )
    put(state, fresh, now_ns)


def put(state: StateWrite, kept: Kept, now_ns: int) -> None:
    """Store a record."""
    record = state.get(TABLE, kept.workflow_id)
    created = now_ns if record is None else record.created_ns
    state.put(TABLE, kept.workflow_id, kept.encode(), created_ns=created, summary=b"")


def forget(state: StateWrite, workflow_id: str) -> None:
    """Remove a record, if it is there."""
    if state.data(TABLE, workflow_id) is not None:
        state.delete(TABLE, workflow_id)


def find_kept(state: StateRead, workflow_id: str) -> Kept | None:
    """The record of a workflow, or None."""
    data = state.data(TABLE, workflow_id)
    return None if data is None else Kept.decode(data)


def every_kept(state: StateRead) -> list[Kept]:
    """All of them, the oldest first."""
    rows = state.page(TABLE, limit=max(1, state.count(TABLE)), newest_first=False)
    return [kept for row in rows if (kept := find_kept(state, row.id)) is not None]


def _kept(workflow_id: str, schedule: Schedule, now_micros: int) -> Kept | None:
    if schedule.cron is not None:
        bare = Kept(workflow_id, "cron", schedule.cron.text)
        return replace(bare, next_micros=bare.following(now_micros, now_micros))
    for kind, span in (("every", schedule.every), ("after", schedule.after)):
        if span is not None and span.seconds is not None:
            step = int(span.seconds * _MICROS)
            return Kept(workflow_id, kind, span.shown, span.seconds, next_micros=now_micros + step)
    if schedule.on is None:
        return None
    filters = tuple(_literal(each.attributes) for each in schedule.on.filters)
    types = [str(one.get("type", "any event")) for one in filters]
    wants_all = schedule.on.mode == "all"
    return Kept(workflow_id, "on", (" and " if wants_all else ", ").join(types), filters=filters, wants_all=wants_all)


def _literal(attributes: MapNode) -> dict[str, Json]:
    """The attributes that a filter gives as they must be; expressions are not asked."""
    data = to_data(attributes)
    found = data if isinstance(data, dict) else {}
    return {name: value for name, value in found.items() if not (isinstance(value, str) and "${" in value)}
