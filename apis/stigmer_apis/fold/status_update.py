"""From a status that a published runner reports to the events that it means.

`updateStatus` (see the published interface): a list or map that is not empty replaces the whole one, a phase that is not unspecified and a text that
is not empty replace theirs, all else stays. A report that only extends what is known becomes the events for the difference, so that a run of n
reports costs n differences; one that contradicts it, or says what events cannot, becomes one event that replaces the status.

Messages of such a run have the id `status/<place>`, results of its tool calls the terminal `result/<call>`: the fold opens what may go on under
the same names after a status was replaced.
"""

from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
    SubAgentStatus,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecutionStatus,
    AgentMessage,
    SubAgentExecution,
    ToolCall,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.fold.machine import is_terminal
from stigmer_apis.fold.messages import message_at
from stigmer_apis.fold.published import published_status
from stigmer_apis.fold.texts import MAX_NOTE_BYTES, MAX_TEXT_BYTES, cut
from stigmer_apis.fold.times import micros_of
from stigmer_apis.fold.tool_update import Contradiction, ToolUpdate, named


def events_for_status_update(state: FoldState, given: AgentExecutionStatus, *, micros: int = 0) -> list[ev.Event]:
    """The events that bring `state` to what the report `given` says; empty where it says nothing new.

    `micros`: microseconds since 1970, the time of events for which the report has none. Raises `FailedPrecondition` where the execution has ended.
    """
    if is_terminal(state.summary.phase):
        raise FailedPrecondition(
            f"{state.summary.execution_id} has ended as {ExecutionPhase.Name(state.summary.phase)}: its status changes no more"
        )
    try:
        return _Extension(state, given, micros).events()
    except Contradiction:
        return [ev.Event(time_unix_micros=micros, status_replaced=ev.StatusReplaced(status=merged(state, given)))]


def merged(state: FoldState, given: AgentExecutionStatus) -> AgentExecutionStatus:
    """What the status is after the report, whole."""
    status = published_status(state)
    if given.messages:
        status.omitted_messages = given.omitted_messages
    if given.tool_calls:
        status.omitted_tool_calls = given.omitted_tool_calls
    for name in ("messages", "tool_calls", "sub_agent_executions", "todos", "attention"):
        if getattr(given, name):
            status.ClearField(name)
    told = AgentExecutionStatus()
    told.CopyFrom(given)
    told.ClearField("last_exit_code")
    told.ClearField("head_seq")
    told.ClearField("omitted_messages")
    told.ClearField("omitted_tool_calls")
    status.MergeFrom(told)
    return status


class _Extension:
    """A report as what it adds. Raises `Contradiction` where it does more than add."""

    def __init__(self, state: FoldState, given: AgentExecutionStatus, micros: int) -> None:
        self._state = state
        self._known = state.status
        self._given = given
        self._micros = micros
        self._events: list[ev.Event] = []
        self._tools = ToolUpdate(state, given, self._events, micros)

    def events(self) -> list[ev.Event]:
        """All that is new, in an order that the fold takes."""
        self._refuse_inexpressible()
        self._start()
        if self._given.messages:
            self._messages(self._given.messages)
        if self._given.tool_calls:
            self._tools.update()
        if self._given.sub_agent_executions:
            self._sub_agents(self._given.sub_agent_executions)
        if self._given.todos and dict(self._given.todos) != dict(self._known.todos):
            self._add(ev.Event(todo_list_changed=ev.TodoListChanged(todos=self._given.todos)))
        self._finish()
        return self._events

    def _refuse_inexpressible(self) -> None:
        given, known = self._given, self._known
        if given.HasField("audit") and given.audit != known.audit:
            raise Contradiction
        if given.callback_token not in (b"", known.callback_token):
            raise Contradiction
        if given.attention and list(given.attention) != list(known.attention):
            raise Contradiction

    def _start(self) -> None:
        """The phase in progress, before all that happens in it."""
        given, known = self._given, self._known
        if given.phase == ExecutionPhase.EXECUTION_PENDING and not known.phase:
            self._add(_phase(given.phase))
        begun = known.phase >= ExecutionPhase.EXECUTION_IN_PROGRESS
        told = given.phase == ExecutionPhase.EXECUTION_IN_PROGRESS or (given.started_at and is_terminal(given.phase))
        if told and not begun:
            self._add(_phase(ExecutionPhase.EXECUTION_IN_PROGRESS), micros_of(given.started_at))
        elif given.started_at and micros_of(given.started_at) != micros_of(known.started_at):
            raise Contradiction

    def _finish(self) -> None:
        """The end, after all that happens before it."""
        given, known = self._given, self._known
        ends = is_terminal(given.phase)
        if (
            given.error
            and cut(given.error, MAX_NOTE_BYTES) != known.error
            and given.phase != ExecutionPhase.EXECUTION_FAILED
        ):
            raise Contradiction
        if ends:
            reason = given.error if given.phase == ExecutionPhase.EXECUTION_FAILED else ""
            self._add(_phase(given.phase, reason), micros_of(given.completed_at))
        elif given.completed_at and given.completed_at != known.completed_at:
            raise Contradiction

    def _messages(self, given: Sequence[AgentMessage]) -> None:
        omitted, known = self._known.omitted_messages, self._known.messages
        if len(given) < omitted + len(known):
            raise Contradiction
        names = {place: message_id for message_id, place in self._state.open_messages.items()}
        for place in range(omitted, len(given)):
            message = given[place]
            if place < omitted + len(known):
                self._extend(known[place - omitted], message, names.get(place, ""))
            else:
                self._new_message(message, place)
                names[place] = message_at(place)
            if place + 1 < len(given) and place in names:
                self._add(ev.Event(message_completed=ev.MessageCompleted(message_id=names[place])))

    def _extend(self, known: AgentMessage, message: AgentMessage, message_id: str) -> None:
        """A message that is known: the same, or with more text where it is open under `message_id`."""
        if message.type != known.type or message.metadata != known.metadata:
            raise Contradiction
        if cut(message.content, MAX_TEXT_BYTES) != known.content:
            if not message_id or not message.content.startswith(known.content):
                raise Contradiction
            self._text(message_id, message.content[len(known.content) :], message)
        have = [call.id for call in known.tool_calls]
        want = [call.id for call in message.tool_calls]
        if want != have:
            if not message_id or want[: len(have)] != have:
                raise Contradiction
            self._request(message.tool_calls[len(have) :], message, message_id)

    def _new_message(self, message: AgentMessage, place: int) -> None:
        if message.HasField("metadata"):
            raise Contradiction
        message_id = message_at(place)
        started = ev.MessageStarted(message_id=message_id, type=message.type)
        self._add(ev.Event(message_started=started), micros_of(message.timestamp))
        if message.content:
            self._text(message_id, message.content, message)
        self._request(message.tool_calls, message, message_id)

    def _text(self, message_id: str, text: str, message: AgentMessage) -> None:
        self._add(ev.Event(text_delta=ev.TextDelta(message_id=message_id, text=text)), micros_of(message.timestamp))

    def _request(self, calls: Sequence[ToolCall], message: AgentMessage, message_id: str) -> None:
        """Tool calls that a message asks for."""
        if calls and message.type != MessageType.MESSAGE_AI:
            raise Contradiction
        for call in calls:
            self._tools.request(call.id, message_id)

    def _sub_agents(self, given: Sequence[SubAgentExecution]) -> None:
        known = named(self._known.sub_agent_executions)
        if [agent.id for agent in given if agent.id in known] != list(known) or len(named(given)) != len(given):
            raise Contradiction
        for agent in given:
            before = known.get(agent.id)
            if agent.HasField("metadata") and (before is None or before.metadata != agent.metadata):
                raise Contradiction
            if before is None:
                started = ev.SubAgentStarted(sub_agent_id=agent.id, name=agent.name, input=agent.input)
                self._add(ev.Event(sub_agent_started=started), micros_of(agent.started_at))
                before = SubAgentExecution(
                    name=agent.name, input=agent.input, status=SubAgentStatus.SUB_AGENT_IN_PROGRESS
                )
            elif (before.name, before.input) != (agent.name, cut(agent.input, MAX_NOTE_BYTES)):
                raise Contradiction
            self._sub_agent_end(before, agent)

    def _sub_agent_end(self, before: SubAgentExecution, agent: SubAgentExecution) -> None:
        """`agent` has ended, or is as `before`. One that is pending counts as begun: events know no other."""
        runs = agent.status not in (SubAgentStatus.SUB_AGENT_COMPLETED, SubAgentStatus.SUB_AGENT_FAILED)
        ran = before.status == SubAgentStatus.SUB_AGENT_IN_PROGRESS
        if ran and not runs:
            if (agent.status == SubAgentStatus.SUB_AGENT_FAILED) != bool(agent.error):
                raise Contradiction
            over = ev.SubAgentFinished(sub_agent_id=agent.id, output=agent.output, error=agent.error)
            self._add(ev.Event(sub_agent_finished=over), micros_of(agent.completed_at))
            return
        said = cut(agent.output, MAX_NOTE_BYTES), cut(agent.error, MAX_NOTE_BYTES)
        if runs != ran or said != (before.output, before.error) or (not runs and agent.status != before.status):
            raise Contradiction

    def _add(self, event: ev.Event, micros: int = 0) -> None:
        event.time_unix_micros = micros or self._micros
        self._events.append(event)


def _phase(phase: "ExecutionPhase.ValueType", reason: str = "") -> ev.Event:
    return ev.Event(phase_changed=ev.PhaseChanged(phase=phase, reason=reason))
