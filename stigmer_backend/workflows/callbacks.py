"""Tasks that somebody outside completes, by a token: for one use, until it expires or the execution ends."""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from weakref import WeakValueDictionary

from google.protobuf.json_format import MessageToJson

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import (
    AwaitCallbackResponse,
    CreateCallbackRequest,
    CreateCallbackResponse,
)
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import CompleteRequest, CompleteResponse
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.runs import phase_of, run_kind
from stigmer_backend.executions.tasks import Bell
from stigmer_backend.resources.secret_values import mask_values
from stigmer_backend.store import StateRead, StateWrite, Store
from stigmer_backend.workflows.inputs import as_json

TABLE = "callback"
"""A record for each token, below its execution; its slug is the token's hash."""
_LOOK_SECONDS = 5.0
"""A token's time is looked at so often: the clock may jump."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One token, and what became of it."""

    execution_id: str
    task_id: str
    queue: str
    token: str
    expires_unix_micros: int
    used: bool = False
    result_json: str = "null"
    error: str = ""

    def encode(self) -> bytes:
        """As it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8", "surrogateescape")

    @classmethod
    def decode(cls, data: bytes) -> "Callback":
        """What `encode` wrote."""
        return cls(**json.loads(data.decode("utf-8", "surrogateescape")))


class Callbacks:
    """Makes tokens, takes what comes by them, and hands it to who waits."""

    def __init__(self, store: Store, micros: Callable[[], int]) -> None:
        self._store = store
        self._micros = micros
        self._bells: WeakValueDictionary[str, Bell] = WeakValueDictionary()

    async def create(self, request: CreateCallbackRequest) -> CreateCallbackResponse:
        """The token of a key; the same one for the same key."""
        fresh = Callback(
            request.execution_id,
            request.task_id,
            request.queue,
            f"cb-{secrets.token_urlsafe(24)}",
            request.expires_unix_micros,
        )
        record_id = _digest(f"{request.execution_id}\0{request.key}".encode("utf-8", "surrogateescape"))

        def change(state: StateWrite) -> Callback:
            known = state.data(TABLE, record_id)
            if known is not None:
                return Callback.decode(known)
            state.put(
                TABLE,
                record_id,
                fresh.encode(),
                slug=_digest(fresh.token.encode()),
                created_ns=self._micros() * 1000,
                parents=(request.execution_id,),
                summary=b"",
                expected_version=0,
            )
            return fresh

        kept = await self._store.write(change)
        return CreateCallbackResponse(token=kept.token, expires_unix_micros=kept.expires_unix_micros)

    async def wait(self, execution_id: str, token: str) -> AwaitCallbackResponse:
        """What came by a token of `execution_id`. Raises `NotFound` for another's."""
        bell = self._bells.setdefault(token, Bell())
        while True:
            found = await self._store.read_state(lambda state: _find(state, token))
            if found is None or found.execution_id != execution_id:
                raise NotFound(f"{execution_id} has no such token", remedy="it is gone when the execution has ended")
            if found.used:
                return AwaitCallbackResponse(result_json=found.result_json, error=found.error)
            if self._is_over(found):
                return AwaitCallbackResponse(expired=True, error="nobody completed it in time")
            await bell.wait(_LOOK_SECONDS)

    async def complete(self, request: CompleteRequest) -> CompleteResponse:
        """Use a token. Raises `NotFound` for one that is not known, `FailedPrecondition` for one that was used or is too old."""
        result = as_json(request.result) if request.HasField("result") else "null"

        def change(state: StateWrite) -> Callback:
            found = _find(state, request.token)
            if found is None:
                raise NotFound(
                    "no task waits under this token", remedy="it is gone when its execution has ended: look at that"
                )
            if found.used:
                raise FailedPrecondition("this token was used before", remedy="a token is for one use")
            if self._is_over(found):
                raise FailedPrecondition("the time of this token is over", remedy="run the workflow again")
            _use(state, found, result, request.error)
            return found

        done = await self._store.write(change)
        self._ring(request.token)
        return CompleteResponse(execution_id=done.execution_id, task_id=done.task_id)

    def ended(self, state: StateWrite, execution_id: str) -> None:
        """In the transaction of an execution's end: its tokens go, and whoever waits for it is told."""
        for record_id in state.children(TABLE, execution_id):
            state.delete(TABLE, record_id)
        kind = run_kind(execution_id)
        data = state.data(kind.table, execution_id)
        if data is None:
            return
        execution = kind.decode(data)
        token = execution.spec.callback_token.decode("utf-8", "replace")
        found = _find(state, token) if token else None
        if found is None or found.used or self._is_over(found):
            return
        mask_values(execution)
        error = ""
        if phase_of(execution) != ExecutionPhase.EXECUTION_COMPLETED:
            error = execution.status.error or f"{execution_id} was cancelled"
        _use(state, found, MessageToJson(execution, indent=None, preserving_proto_field_name=True), error)

    def told(self, live: LiveExecution) -> None:
        """That end is stored: wake up who waits for it."""
        self._ring(live.execution.spec.callback_token.decode("utf-8", "replace"))

    def _ring(self, token: str) -> None:
        bell = self._bells.get(token)
        if bell is not None:
            bell.ring()

    def _is_over(self, found: Callback) -> bool:
        return bool(found.expires_unix_micros) and found.expires_unix_micros < self._micros()


def _find(state: StateRead, token: str) -> Callback | None:
    record_id = state.by_slug(TABLE, _digest(token.encode("utf-8", "surrogateescape")))
    data = None if record_id is None else state.data(TABLE, record_id)
    return None if data is None else Callback.decode(data)


def _use(state: StateWrite, found: Callback, result_json: str, error: str) -> None:
    slug = _digest(found.token.encode())
    record_id = state.by_slug(TABLE, slug)
    record = None if record_id is None else state.get(TABLE, record_id)
    if record_id is None or record is None:
        return
    used = Callback(
        found.execution_id,
        found.task_id,
        found.queue,
        found.token,
        found.expires_unix_micros,
        True,
        result_json,
        error,
    )
    state.put(
        TABLE, record_id, used.encode(), slug=slug, created_ns=record.created_ns, parents=record.parents, summary=b""
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
