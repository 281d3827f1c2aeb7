"""What reaches workflow executions from outside: signals to one, events to all that wait for their type."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import cast
from urllib.parse import quote

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, WorkflowTaskWaiting
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import PublishEventRequest, PublishEventResponse
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import (
    PublishRequest,
    PublishResponse,
    SignalRequest,
    SignalResponse,
)
from stigmer_apis.errors import FieldViolation, InvalidArgument, StigmerError
from stigmer_apis.ids import Prefix
from stigmer_backend.executions.commands import Commands
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.registry import Registry
from stigmer_backend.resources.catalogue import NewId
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS
from stigmer_backend.resources.text import quoted
from stigmer_backend.workflows.inputs import as_json, as_value, checked

_WAIT_SECONDS = 2.0
"""How long a caller waits to hear that a signal was taken: it is stored, and a runner that is busy takes it later."""

Starts = Callable[[str, str, str], Awaitable[int]]
"""Starts the workflows whose schedule names a type of event: given the type, the event's key and its JSON text; how many."""


class Signals:
    """Hands signals and events to workflow executions."""

    def __init__(self, commands: Commands, registry: Registry, new_id: NewId, starts: Starts) -> None:
        self._commands = commands
        self._registry = registry
        self._new_id = new_id
        self._starts = starts

    async def signal(self, request: SignalRequest, author: str, key: str) -> SignalResponse:
        """Hand a workflow a signal. Raises `NotFound`, `FailedPrecondition` where it has ended, `InvalidArgument` for an agent."""
        if not request.execution_id.startswith(f"{WORKFLOW_EXECUTIONS.prefix}-"):
            raise InvalidArgument(
                f"{quoted(request.execution_id)} is no execution of a workflow",
                remedy="an agent takes messages: `stigmer send`",
                violations=[FieldViolation("execution_id", "stigmer.signal.kind", "must be a workflow's")],
            )
        key = key or (f"signal/{request.name}/{request.id}" if request.id else "")
        signal_id = request.id or _id_of(request.execution_id, key) or self._new_id(Prefix.COMMAND)
        order = CommandIssued(signal=CommandIssued.Signal(name=request.name, id=signal_id))
        if request.HasField("data"):
            order.signal.payload.CopyFrom(request.data)
        command_id = await self._commands.leave(request.execution_id, order, author, key, _WAIT_SECONDS)
        return SignalResponse(command_id=command_id, id=signal_id)

    async def publish(self, emitter: LiveExecution, request: PublishEventRequest) -> PublishEventResponse:
        """Hand an event to who waits for its type, itself among them. Raises `InvalidArgument` for what is no event."""
        key = f"event/{emitter.id}/{request.key}"
        delivered, started = await self._tell(emitter.id, key, request.event_json)
        return PublishEventResponse(delivered=delivered, started=started)

    async def publish_by_hand(self, request: PublishRequest, author: str, key: str) -> PublishResponse:
        """Hand an event of a person's to who waits for its type. Raises `InvalidArgument` for data that is too long or too deep."""
        source = request.source or f"/people/{quote(author)}"
        event_id = request.id or _id_of(author, key) or self._new_id(Prefix.COMMAND)
        event: dict[str, object] = {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": request.type,
        }
        if request.subject:
            event["subject"] = request.subject
        if request.HasField("data"):
            event["data"] = json.loads(as_json(request.data))
        told = f"event/by-hand/{request.type}/{source}/{event_id}"
        delivered, started = await self._tell(author, told, json.dumps(event, ensure_ascii=False))
        return PublishResponse(id=event_id, delivered=delivered, started=started)

    async def _tell(self, source: str, key: str, event_json: str) -> tuple[int, int]:
        """Hand an event over, once for each key: to how many that wait, and how many it started."""
        kind = _type_of(event_json)
        order = CommandIssued(
            signal=CommandIssued.Signal(name=kind, id=_id_of(source, key), payload=as_value(event_json), is_event=True)
        )
        delivered = 0
        for live in self._registry.all():
            if live.ended or live.closing or not _waits_for(live, kind):
                continue
            try:
                await self._commands.leave(live.id, order, source, key, 0)
            except StigmerError:
                continue  # It ended in this moment.
            delivered += 1
        return delivered, await self._starts(kind, key, event_json)


def _waits_for(live: LiveExecution, kind: str) -> bool:
    """Whether a task of an execution listens to events of this type."""
    for kept in live.state.waiting_tasks.values():
        waiting = WorkflowTaskWaiting.FromString(kept)
        if waiting.HasField("signals") and (not waiting.signals.names or kind in waiting.signals.names):
            return True
    return False


def _type_of(event_json: str) -> str:
    """The type of a CloudEvent. Raises `InvalidArgument`."""
    event: object = json.loads(checked(event_json, "event_json"))
    fields = cast("dict[str, object]", event) if isinstance(event, dict) else {}
    for name in ("id", "source", "type"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise InvalidArgument(
                f"the event has no `{name}`",
                remedy="an event has id, source and type, each a text",
                violations=[FieldViolation("event_json", "stigmer.event.form", f"must have `{name}`")],
            )
    return cast(str, fields["type"])


def _id_of(execution_id: str, key: str) -> str:
    return "" if not key else f"sig-{hashlib.sha256(f'{execution_id}{key}'.encode()).hexdigest()[:26]}"
