"""A model's tool calls as the loop has them: each with an id of its own, and what is wrong with its arguments. Pure."""

import json
from collections.abc import Sequence

from stigmer_runner.models.port import AssistantMessage, ModelRequest, ToolCall
from stigmer_runner.models.surrogates import whole


def with_ids(raw: Sequence[tuple[str, str, str]], request: ModelRequest, shortened: bool) -> tuple[ToolCall, ...]:
    """Calls, of their ids, names and arguments, each with an id of its own: unlike any in this conversation."""
    taken = {
        call.id for message in request.messages if isinstance(message, AssistantMessage) for call in message.tool_calls
    }
    calls: list[ToolCall] = []
    for given, name, args in raw:
        call_id = base = whole(given) or "call"
        number = 1
        while call_id in taken:
            number += 1
            call_id = f"{base}_{number}"
        taken.add(call_id)
        args = whole(args) if args.strip() else "{}"
        calls.append(ToolCall(call_id, whole(name), args, _broken(args, shortened)))
    return tuple(calls)


def _broken(args_json: str, shortened: bool) -> str:
    """Why the arguments are no JSON object; empty where they are one."""
    try:
        value: object = json.loads(args_json)
    except RecursionError:
        return "the arguments are nested too deeply"
    except ValueError as error:
        if shortened:
            return "the arguments were cut off: the answer was longer than it may be"
        return f"the arguments are not valid JSON: {error}"
    return "" if isinstance(value, dict) else "the arguments are no JSON object"
