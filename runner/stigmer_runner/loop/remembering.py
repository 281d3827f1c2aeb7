"""What was said and done before in a session, as messages for a model."""

import json
from collections.abc import Iterator, Sequence

from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import MessageType
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecutionStatus,
    AgentMessage,
    ToolCall,
)
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import ReadSessionMemoryResponse
from stigmer_apis.protocol import SESSION_SHELL
from stigmer_runner.durable.compaction import tokens_of
from stigmer_runner.durable.messages import Entry
from stigmer_runner.tools.shell.plain_text import plain

LONGEST_RESULT = 2000
"""Characters of a tool's result that are remembered: its beginning and its end."""


def remembered(executions: Sequence[ReadSessionMemoryResponse], room: int) -> tuple[Entry, ...]:
    """The newest messages that fit into `room` tokens, oldest first; they begin with one of the person."""
    entries = [entry for each in executions for entry in _of_status(each.execution_id, each.status)]
    begin = len(entries)
    while begin > 0 and room >= entries[begin - 1].tokens:
        begin -= 1
        room -= entries[begin].tokens
    while begin < len(entries) and entries[begin].role != "user":
        begin += 1
    return tuple(entries[begin:])


def _of_status(execution_id: str, status: AgentExecutionStatus) -> Iterator[Entry]:
    calls = {call.id: call for call in status.tool_calls}
    lines = _lines_of_person(status)
    for message in status.messages:
        match message.type:
            case MessageType.MESSAGE_HUMAN:
                text = _of_person(message, next(lines, None))
                body: dict[str, object] = {"role": "user", "text": text, "attachments": []}
                yield Entry(json.dumps(body), "user", tokens_of(text))
            case MessageType.MESSAGE_AI:
                yield from _answer(execution_id, message, calls)
            case _:
                continue


def _lines_of_person(status: AgentExecutionStatus) -> Iterator[ToolCall]:
    """The calls of a run without a model, one for each message: a person's own command lines."""
    by_model = any(message.type == MessageType.MESSAGE_AI for message in status.messages)
    return iter(() if by_model else status.tool_calls)


def _of_person(message: AgentMessage, ran: ToolCall | None) -> str:
    """What a person said; where it was a command line of their own, what came of it too."""
    if ran is None:
        return message.content
    own = message.content.strip() == SESSION_SHELL
    what = "worked in a shell of the session." if own else f"ran a command line in the session: {message.content}"
    shown = _short(ran.error or plain(ran.result.encode()).strip() or "(nothing)")
    return f"[The person {what}\nThe terminal showed:\n{shown}]"


def _answer(execution_id: str, message: AgentMessage, calls: dict[str, ToolCall]) -> Iterator[Entry]:
    made = [calls[asked.id] for asked in message.tool_calls if asked.id in calls]
    if not message.content and not made:
        return
    named = [
        {
            "id": f"past_{execution_id[-8:]}_{call.id}".replace("/", "_").replace(".", "_").replace("-", "_"),
            "name": call.name,
            "args_json": json.dumps(MessageToDict(call.args)),
            "error": "",
        }
        for call in made
    ]
    body: dict[str, object] = {"role": "assistant", "text": message.content, "reasoning": [], "tool_calls": named}
    text = json.dumps(body)
    yield Entry(text, "assistant", tokens_of(text))
    for call, name in zip(made, named, strict=True):
        result = _short(call.error or call.result or "(no output)")
        answer: dict[str, object] = {
            "role": "tool",
            "call_id": name["id"],
            "name": call.name,
            "text": result,
            "is_error": bool(call.error),
            "images": [],
        }
        yield Entry(json.dumps(answer), "tool", tokens_of(result))


def _short(text: str) -> str:
    if len(text) <= LONGEST_RESULT:
        return text
    half = LONGEST_RESULT // 2
    return f"{text[:half]}\n[{len(text) - LONGEST_RESULT} characters left out]\n{text[-half:]}"
