"""What a status may hold: past a budget the oldest messages, tool calls and sub-agents are left out.

What is left out depends on the status alone, and is decided when something is added: any split of the stream leaves out the same.
"""

from typing import Final

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecutionStatus,
    AgentMessage,
    SubAgentExecution,
    TodoItem,
    ToolCall,
)
from stigmer_apis.fold.texts import (
    MAX_NOTE_BYTES,
    MAX_TEXT_BYTES,
    cut,
    cut_arguments,
    size_of,
)
from stigmer_apis.protocol import OUTPUT_HEAD_BYTES, OUTPUT_TAIL_BYTES

BUDGET: Final = 2_500_000
"""Bytes of messages, tool calls and sub-agents from which on some are left out."""

KEPT: Final = 2_000_000
"""Bytes that stay then: lower, so that the work is done rarely."""

MAX_TODOS_BYTES: Final = 128 * 1024
MAX_ATTENTIONS: Final = 100
MAX_ATTENTION_BYTES: Final = 1000
MAX_ASKED_BYTES: Final = 64 * 1024
"""Of what a person is to decide or to answer."""

_OVERHEAD: Final = 32
"""What an entry weighs beside its texts."""


def message_weight(message: AgentMessage) -> int:
    """What a message weighs, without its text: that is counted as it grows."""
    weight = _OVERHEAD + len(message.timestamp)
    if message.HasField("metadata"):
        weight += message.metadata.ByteSize()
    return weight + sum(call.ByteSize() for call in message.tool_calls)


class Ledger:
    """What the lists of a status weigh, entry by entry, so that adding one costs the same however many there are.

    Weighed when first asked; until then changes need not be told.
    """

    def __init__(self) -> None:
        self._lists: tuple[list[int], list[int], list[int]] | None = None
        self._total = 0

    def set_message(self, index: int, message: AgentMessage, text_bytes: int) -> None:
        """The message at `index`, or a new one after the last, has a text of so many bytes."""
        if self._lists is not None:
            self._set(self._lists[0], index, message_weight(message) + text_bytes)

    def grow_message(self, index: int, by: int) -> None:
        """The text of the message at `index` has so many bytes more."""
        if self._lists is not None:
            self._set(self._lists[0], index, self._lists[0][index] + by)

    def set_call(self, index: int, call: ToolCall) -> None:
        """The tool call at `index`, or a new one after the last, is this."""
        if self._lists is not None:
            self._set(self._lists[1], index, _OVERHEAD + call.ByteSize())

    def set_sub_agent(self, index: int, agent: SubAgentExecution) -> None:
        """The same for a sub-agent."""
        if self._lists is not None:
            self._set(self._lists[2], index, _OVERHEAD + agent.ByteSize())

    def is_weighed(self) -> bool:
        """Whether the status was weighed: before, its texts must be up to date."""
        return self._lists is not None

    def weigh(self, status: AgentExecutionStatus) -> None:
        """Weigh all of `status`."""
        self._lists = (
            [message_weight(message) + size_of(message.content) for message in status.messages],
            [_OVERHEAD + call.ByteSize() for call in status.tool_calls],
            [_OVERHEAD + agent.ByteSize() for agent in status.sub_agent_executions],
        )
        self._total = sum(map(sum, self._lists))

    def cut(self, status: AgentExecutionStatus) -> bool:
        """Leave out the oldest entries of whichever list is heaviest, and count them. Whether any was left out."""
        if self._lists is None or self._total <= BUDGET:
            return False
        cuts = [0, 0, 0]
        sums = [sum(weights) for weights in self._lists]
        while sum(sums) > KEPT:
            heaviest = sums.index(max(sums))
            sums[heaviest] -= self._lists[heaviest][cuts[heaviest]]
            cuts[heaviest] += 1
        for weights, count in zip(self._lists, cuts, strict=True):
            del weights[:count]
        self._total = sum(sums)
        drop_oldest(status, *cuts)
        return True

    def _set(self, weights: list[int], index: int, weight: int) -> None:
        if index == len(weights):
            weights.append(0)
        self._total += weight - weights[index]
        weights[index] = weight


def is_light(status: AgentExecutionStatus) -> bool:
    """Whether the size of `status` alone shows that it is within the budget: no entry weighs more than its bytes and the overhead."""
    entries = len(status.messages) + len(status.tool_calls) + len(status.sub_agent_executions)
    return status.ByteSize() + _OVERHEAD * entries <= BUDGET


def drop_oldest(status: AgentExecutionStatus, messages: int, calls: int, sub_agents: int) -> None:
    """Leave out so many of each, and count those that the status counts."""
    del status.messages[:messages]
    del status.tool_calls[:calls]
    del status.sub_agent_executions[:sub_agents]
    status.omitted_messages += messages
    status.omitted_tool_calls += calls


def cut_texts(status: AgentExecutionStatus) -> None:
    """Cut what is too long in a status that came whole."""
    status.error = cut(status.error, MAX_NOTE_BYTES)
    for message in status.messages:
        message.content = cut(message.content, MAX_TEXT_BYTES)
    for call in status.tool_calls:
        cut_call(call)
    for agent in status.sub_agent_executions:
        cut_sub_agent(agent)
    todos = {key: TodoItem.FromString(todo.SerializeToString()) for key, todo in status.todos.items()}
    set_todos(status, todos)
    del status.attention[:-MAX_ATTENTIONS]
    for attention in status.attention:
        attention.text = cut(attention.text, MAX_ATTENTION_BYTES)


def cut_call(call: ToolCall) -> None:
    """Cut the long texts of a tool call."""
    if call.HasField("args"):
        call.args.CopyFrom(cut_arguments(call.args))
    call.result = cut(call.result, OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES)
    call.error = cut(call.error, MAX_NOTE_BYTES)


def cut_sub_agent(agent: SubAgentExecution) -> None:
    """Cut the long texts of a sub-agent."""
    agent.input = cut(agent.input, MAX_NOTE_BYTES)
    agent.output = cut(agent.output, MAX_NOTE_BYTES)
    agent.error = cut(agent.error, MAX_NOTE_BYTES)


def set_todos(status: AgentExecutionStatus, todos: dict[str, TodoItem]) -> None:
    """Make `todos` the plan: as many as fit, in order of their keys."""
    status.ClearField("todos")
    room = MAX_TODOS_BYTES
    for key in sorted(todos):
        room -= size_of(key) + todos[key].ByteSize()
        if room < 0:
            return
        status.todos[key].CopyFrom(todos[key])
