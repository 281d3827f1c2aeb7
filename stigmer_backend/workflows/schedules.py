"""Workflows that start by themselves: once for each due time, whatever the daemon and the clock do meanwhile."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionSpec,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2 import (
    ListSchedulesRequest,
    ListSchedulesResponse,
    Schedule,
)
from stigmer_apis.errors import FailedPrecondition, StigmerError
from stigmer_apis.protocol import API_VERSION, DEFAULT_PAGE_SIZE
from stigmer_apis.workflow.document_json import Json
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOWS
from stigmer_backend.resources.lookup import find_named
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows
from stigmer_backend.resources.repeats import Repeatable
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead, StateWrite, Store, StoreFull
from stigmer_backend.workflows.beginning import Also, Beginning
from stigmer_backend.workflows.schedule_records import Kept, every_kept, find_kept, put

AUTHOR = "schedule"
"""Who starts what a schedule starts."""
MOST_LIVE = 100
"""Executions of one workflow that may go on when its schedule starts another."""
_LOOK_SECONDS = 5.0
"""The clock is looked at so often at least: it may jump."""
_SPACING_SECONDS = 0.1
_QUESTION = b"schedules"
_ON_EVENT = "schedule/event"
_log = logging.getLogger(__name__)


class Meanwhile(Exception):
    """Somebody else started it, paused it or changed it a moment ago."""


class Schedules:
    """Starts what is due, and tells of it."""

    def __init__(
        self, store: Store, tasks: Tasks, registry: Registry, beginning: Beginning, micros: Callable[[], int]
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._registry = registry
        self._beginning = beginning
        self._micros = micros

    def open(self) -> None:
        """Begin to keep them."""
        self._tasks.start(self._run(), "schedules")

    def ended(self, live: LiveExecution) -> None:
        """An execution's end is stored: what shall start a while after it is due then."""
        workflow_id = live.state.summary.workflow_id
        if workflow_id:
            self._tasks.start(self._set_after(workflow_id, live.id), f"schedule of {workflow_id}")

    async def page(self, request: ListSchedulesRequest) -> ListSchedulesResponse:
        """A page, by the workflow's name. Raises `InvalidArgument`."""
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        after = (decode_token(_QUESTION, request.page_token) or b"").decode("utf-8", "surrogateescape")

        def ask(state: StateRead) -> list[Schedule]:
            return sorted((_shown(state, kept) for kept in every_kept(state)), key=_place)

        every = await self._store.read_state(ask)
        behind = [one for one in every if _place(one) > after]
        answer = ListSchedulesResponse(schedules=behind[:size], total=len(every))
        if len(behind) > size:
            answer.next_page_token = encode_token(
                _QUESTION, _place(behind[size - 1]).encode("utf-8", "surrogateescape")
            )
        return answer

    async def pause(self, name: str, *, paused: bool) -> Schedule:
        """Pause or resume a workflow's schedule. Raises `NotFound`, `FailedPrecondition` where it has none."""
        now = self._micros()

        def change(state: StateWrite) -> Schedule:
            kept = _of(state, name)
            if kept.paused != paused:
                kept = replace(kept, paused=paused)
                if not paused and kept.kind in ("cron", "every") and kept.next_micros <= now:
                    kept = replace(kept, next_micros=kept.following(kept.next_micros or now, now))
                put(state, kept, now * 1000)
            return _shown(state, kept)

        return await self._store.write(change)

    async def trigger(self, name: str) -> str:
        """Start a workflow now; the execution's id. Raises `NotFound`, `FailedPrecondition` where it has no schedule."""
        kept = await self._store.read_state(lambda state: _of(state, name))
        return await self._start(kept, kept.next_micros, {"trigger": "by hand"}, "")

    async def on_event(self, kind: str, key: str, event_json: str) -> int:
        """Start the workflows whose schedule names an event; how many."""
        event = cast("dict[str, Json]", json.loads(event_json))
        started = 0
        for kept in await self._store.read_state(every_kept):
            if kept.paused or not kept.matches(event):
                continue
            given = event_json
            if kept.wants_all:
                given = await self._hear(kept.workflow_id, event)
            if not given:
                continue
            try:
                digest = hashlib.sha256(f"{kept.workflow_id}/{key}".encode("utf-8", "surrogateescape")).hexdigest()
                told = Repeatable.of(digest, _ON_EVENT, b"")
                await self._start(kept, 0, {"trigger": "event", "type": kind}, given, told)
            except (StigmerError, Meanwhile) as error:
                _log.warning("the event %s did not start %s: %s", quoted(key), kept.workflow_id, error)
            else:
                started += 1
        return started

    # -- inner -----------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            revision = self._store.revision
            due = await self._start_due()
            left = _LOOK_SECONDS if due is None else min(_LOOK_SECONDS, max(0.0, (due - self._micros()) / 1e6))
            await asyncio.sleep(min(left, _SPACING_SECONDS))
            try:
                async with asyncio.timeout(max(0.0, left - _SPACING_SECONDS)):
                    await self._store.wait_revised(revision)
            except TimeoutError:
                pass

    async def _start_due(self) -> int | None:
        """Start what is due; the next time that something is."""
        following: int | None = None
        for kept in await self._store.read_state(every_kept):
            if kept.paused or not kept.next_micros:
                continue
            if kept.next_micros <= self._micros():
                await self._start_one(kept)
            else:
                following = kept.next_micros if following is None else min(following, kept.next_micros)
        return following

    async def _start_one(self, kept: Kept) -> None:
        try:
            await self._start(kept, kept.next_micros, {"trigger": kept.kind}, "")
        except Meanwhile:
            return
        except StoreFull as full:
            _log.warning("the schedule of %s waits for space: %s", kept.workflow_id, full)
        except StigmerError as error:
            _log.warning("the schedule of %s started nothing: %s", kept.workflow_id, error)
            await self._note_failure(kept, str(error))

    async def _start(
        self, kept: Kept, due: int, why: dict[str, str], event_json: str, call: Repeatable | None = None
    ) -> str:
        """Begin an execution, and note in the same transaction that it was for this due time. Raises `Meanwhile` where that is over."""
        now = self._micros()
        live = sum(one.state.summary.workflow_id == kept.workflow_id for one in self._registry.all())
        if live >= MOST_LIVE:
            raise FailedPrecondition(f"{live} executions of it go on: no more are started by a schedule")
        wanted = WorkflowExecution(
            api_version=API_VERSION,
            kind=WORKFLOW_EXECUTIONS.name,
            metadata=ApiResourceMetadata(owner_scope=ApiResourceOwnerScope.organization),
            spec=WorkflowExecutionSpec(workflow_id=kept.workflow_id, trigger_metadata=why, trigger_message=event_json),
        )

        def note(state: StateWrite, execution_id: str) -> None:
            stored = find_kept(state, kept.workflow_id)
            by_time = why["trigger"] == kept.kind
            if stored is None or (by_time and (stored.paused or stored.next_micros != due)):
                raise Meanwhile
            put(
                state,
                replace(
                    stored,
                    next_micros=stored.following(due, now) if by_time else stored.next_micros,
                    heard={},
                    last_micros=now,
                    last_execution_id=execution_id,
                    last_error="",
                    starts=stored.starts + 1,
                ),
                now * 1000,
            )

        return await self._beginning.create(wanted, call, AUTHOR, Also(note))

    async def _hear(self, workflow_id: str, event: dict[str, Json]) -> str:
        """Note an event of several that are wanted; all of them, once none is missing, else an empty text."""
        now = self._micros()

        def change(state: StateWrite) -> str:
            stored = find_kept(state, workflow_id)
            if stored is None or stored.paused:
                return ""
            heard = stored.hears(event)
            if heard is not stored:
                put(state, heard, now * 1000)
            return heard.heard_all

        return await self._store.write(change)

    async def _note_failure(self, kept: Kept, error: str) -> None:
        now = self._micros()

        def change(state: StateWrite) -> None:
            stored = find_kept(state, kept.workflow_id)
            if stored is None or stored.next_micros != kept.next_micros:
                return
            following = stored.following(kept.next_micros, now) or now + int(max(stored.seconds, 60) * 1e6)
            put(state, replace(stored, next_micros=following, last_error=error[:500]), now * 1000)

        try:
            await self._store.write(change)
        except StoreFull as full:
            _log.warning("the schedule of %s waits for space: %s", kept.workflow_id, full)

    async def _set_after(self, workflow_id: str, execution_id: str) -> None:
        now = self._micros()

        def change(state: StateWrite) -> None:
            stored = find_kept(state, workflow_id)
            if stored is not None and stored.kind == "after" and stored.last_execution_id == execution_id:
                put(state, replace(stored, next_micros=now + int(stored.seconds * 1e6)), now * 1000)

        kept = await self._store.read_state(lambda state: find_kept(state, workflow_id))
        if kept is not None and kept.kind == "after":
            await self._store.write(change)


def _of(state: StateRead, name: str) -> Kept:
    workflow: Workflow = find_named(state, WORKFLOWS, name)
    kept = find_kept(state, workflow.metadata.id)
    if kept is None:
        raise FailedPrecondition(
            f"the workflow {quoted(workflow.metadata.name)} has no schedule",
            remedy="give its document one: `schedule: {cron: 0 3 * * *}`, and apply it",
        )
    return kept


def _shown(state: StateRead, kept: Kept) -> Schedule:
    data = state.data(WORKFLOWS.table, kept.workflow_id)
    return kept.shown(kept.workflow_id if data is None else WORKFLOWS.decode(data).metadata.name)


def _place(shown: Schedule) -> str:
    return f"{shown.workflow_name}\0{shown.workflow_id}"
