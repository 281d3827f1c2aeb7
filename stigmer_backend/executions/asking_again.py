"""Asking a person's message once more, in its session: what came after it is forgotten there, and files are as before it."""

from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import (
    RetryMessageRequest,
    RetryMessageResponse,
    UndoTurnResponse,
)
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_apis.fold import is_terminal
from stigmer_backend.executions.branching import (
    Asked,
    events_of,
    fork_before,
    note_asked,
    shared_by,
    told_of,
    wanted_again,
)
from stigmer_backend.executions.creation import Creation
from stigmer_backend.executions.memory import replace_past
from stigmer_backend.executions.undoing import EndedUndoing
from stigmer_backend.resources.kinds import EXECUTIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.repeats import Repeatable, made_before
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.store import StateRead, StateWrite, Store

_ROWS = 50


@dataclass(frozen=True, slots=True)
class _Later:
    """An execution of the session, and what a person said in it from the message on."""

    execution: AgentExecution
    turns: tuple[str, ...]


class AskingAgain:
    """Asks again."""

    def __init__(self, store: Store, creation: Creation, undoing: EndedUndoing, stamps: Stamps) -> None:
        self._store = store
        self._creation = creation
        self._undoing = undoing
        self._stamps = stamps

    async def ask(self, request: RetryMessageRequest, call: Repeatable | None, actor: str) -> RetryMessageResponse:
        """Ask it in a new execution of the session; the same `call` again finds that, and puts nothing back.

        Raises `NotFound`; `InvalidArgument` for a message that there is not; `FailedPrecondition` while something of the session runs from the
        message on, for secrets that are gone, and where files cannot be put back; `Unavailable` where no runner is there for that.
        """
        made = await self._store.read_state(lambda state: made_before(state, call))
        if made is not None:
            return RetryMessageResponse(execution_id=made)
        source = await self._store.read_state(lambda state: find(state, EXECUTIONS, request.execution_id))
        _check_secrets(source)
        asked = await self._asked(source.metadata.id)
        chosen = _chosen(asked, request)
        later = await self._later(source, tuple(each.message_id for each in asked if each.seq >= chosen.seq))
        fork = await fork_before(self._store, source, chosen)
        undone = UndoTurnResponse() if request.keep_files else await self._put_back(later)
        at_ns = self._stamps.now().at_ns
        session_id = source.spec.session_id

        def change(state: StateWrite) -> None:
            shared = shared_by(state, source, fork)
            replace_past(state, session_id, shared if fork.past.status.messages else shared[:-1], at_ns)

        await self._store.write(change)
        wanted = wanted_again(source, session_id, request.text or fork.text, request.model)
        if chosen is asked[0]:
            wanted.spec.options.attachments.extend(source.spec.options.attachments)
        made = await self._creation.create(wanted, call, actor, told_of(fork.past, ""))
        return RetryMessageResponse(execution_id=made, paths=undone.paths, left=undone.left)

    async def _asked(self, execution_id: str) -> list[Asked]:
        asked: list[Asked] = []
        seq = 0
        async for event in events_of(self._store, execution_id):
            seq += 1
            note_asked(event, seq, asked)
        return asked

    async def _later(self, source: AgentExecution, turns: tuple[str, ...]) -> list[_Later]:
        """The execution and the newer ones of its session, the newest first. Raises `FailedPrecondition` where one has not ended."""

        def look(state: StateRead) -> list[AgentExecution]:
            record = state.get(EXECUTIONS.table, source.metadata.id)
            found: list[AgentExecution] = []
            after: bytes | None = None
            while record is not None and (rows := state.page(EXECUTIONS.table, source.spec.session_id, after, _ROWS)):
                for row in rows:
                    if row.id == source.metadata.id:
                        return found
                    if (newer := state.get(EXECUTIONS.table, row.id)) is not None:
                        found.append(EXECUTIONS.decode(newer.data))
                after = rows[-1].key
            return found

        newer = await self._store.read_state(look)
        for each in (*newer, source):
            if not is_terminal(each.status.phase):
                raise FailedPrecondition(
                    f"{each.metadata.id} has not ended, and works on in the same session",
                    remedy=f"stop it first (`stigmer cancel {each.metadata.id}`), or branch: both stay then",
                )
        told = [_Later(each, tuple(one.message_id for one in await self._asked(each.metadata.id))) for each in newer]
        return [*told, _Later(source, turns)]

    async def _put_back(self, later: list[_Later]) -> UndoTurnResponse:
        """Put back what tools changed in them."""
        paths: dict[str, bool] = {}
        for each in later:
            if each.turns:
                undone = await self._undoing.undo_turns(each.execution.metadata.id, each.turns)
                for path in undone.paths:
                    paths.setdefault(path, True)
                paths.update(dict.fromkeys(undone.left, False))
        return UndoTurnResponse(
            paths=[path for path, back in paths.items() if back],
            left=[path for path, back in paths.items() if not back],
        )


def _chosen(asked: list[Asked], request: RetryMessageRequest) -> Asked:
    """The message that is meant. Raises `InvalidArgument`."""
    wanted = request.message_id
    if asked and not wanted:
        return asked[-1]
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted[:9]) <= len(asked):
        return asked[int(wanted[:9]) - 1]
    for each in asked:
        if each.message_id == wanted:
            return each
    count = len(asked)
    raise InvalidArgument(
        f"a person said nothing in {request.execution_id} that could be asked again"
        if not count
        else f"{request.execution_id} has no message {wanted!r} of a person: there {'is 1' if count == 1 else f'are {count}'}",
        remedy="start anew: `stigmer run`"
        if not count
        else f"name one by its number, 1 to {count}, or by its id (`stigmer logs ID --json`)",
    )


def _check_secrets(source: AgentExecution) -> None:
    lost = sorted(name for name, value in source.spec.runtime_env.items() if value.is_secret)
    if lost:
        raise FailedPrecondition(
            f"{source.metadata.id} had secrets for this run alone, and they are gone with it: {', '.join(lost)}",
            remedy=f"give them again: `stigmer run AGENT --session {source.spec.session_id} --secret {lost[0]} -m MESSAGE`",
        )
