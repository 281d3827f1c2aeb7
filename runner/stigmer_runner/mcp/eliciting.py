"""What a server asks the person in the middle of a call: field by field, in the server's words and marked as such."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, cast

from mcp.types import ElicitRequestParams, ElicitRequestURLParams, ElicitResult

from stigmer_runner.policy.showing import shown
from stigmer_runner.tools.interface import Question

Ask: TypeAlias = Callable[[Question], Awaitable[str]]

DECLINE = "decline"
MOST_FIELDS = 40
TRIES = 3
"""How often one field is asked for."""
LONGEST_TEXT = 2000

Value: TypeAlias = str | int | float | bool | list[str] | None


async def elicited(server: str, params: ElicitRequestParams, ask: Ask) -> ElicitResult:
    """Put it to the person. Whoever declines one field declines all."""
    message = shown(params.message[:LONGEST_TEXT])
    head = f"The MCP server {server} asks: {message}"
    if isinstance(params, ElicitRequestURLParams):
        words = (
            f"{head}\nIt wants you to open {shown(params.url[:LONGEST_TEXT])} in a browser. Look at the address first."
        )
        answer = await ask(Question(words, ("done", DECLINE)))
        return ElicitResult(action="accept" if answer.strip().lower() == "done" else "decline")
    properties = params.requested_schema.get("properties")
    fields = list(cast(Mapping[str, object], properties).items()) if isinstance(properties, dict) else []
    if len(fields) > MOST_FIELDS:
        return ElicitResult(action="decline")
    if not fields:
        answer = await ask(Question(head, ("accept", DECLINE)))
        return ElicitResult(action="accept" if answer.strip().lower() == "accept" else "decline", content={})
    required = params.requested_schema.get("required")
    wanted = cast(Sequence[object], required) if isinstance(required, list) else ()
    content: dict[str, Value] = {}
    for name, schema in fields:
        field: Mapping[str, object] = cast(Mapping[str, object], schema) if isinstance(schema, dict) else {}
        declined, value = await _field(head, name, field, name in wanted, ask)
        if declined:
            return ElicitResult(action="decline")
        if value is not None:
            content[name] = value
    return ElicitResult(action="accept", content=content)


async def _field(head: str, name: str, schema: Mapping[str, object], required: bool, ask: Ask) -> tuple[bool, Value]:
    """Whether the person declined, and what they answered."""
    told = ": ".join(str(schema[key]) for key in ("title", "description") if key in schema) or name
    kind = str(schema.get("type", "string"))
    choices = _choices(schema)
    left = "" if required else " It may be left empty."
    remark = ""
    for _ in range(TRIES):
        words = f"{head}\n{shown(name)} — {shown(told[:LONGEST_TEXT])} ({kind}).{left} Give no password here.{remark}"
        answer = (await ask(Question(words, (*choices, DECLINE)))).strip()
        if answer.lower() == DECLINE:
            return True, None
        if not answer and not required:
            return False, None
        value = _value(answer, kind, choices)
        if value is not None:
            return False, value
        remark = f" {shown(answer[:80])!r} is not one that it takes."
    return True, None


def _choices(schema: Mapping[str, object]) -> tuple[str, ...]:
    if schema.get("type") == "boolean":
        return ("yes", "no")
    given = schema.get("enum")
    if isinstance(given, list):
        return tuple(shown(str(each))[:200] for each in cast(list[object], given)[:20])
    named = schema.get("oneOf")
    if isinstance(named, list):
        entries = [cast(Mapping[str, object], each) for each in cast(list[object], named) if isinstance(each, dict)]
        return tuple(shown(str(each.get("const", "")))[:200] for each in entries[:20])
    return ()


def _value(answer: str, kind: str, choices: Sequence[str]) -> Value:
    """The answer as the schema wants it; None where it does not fit."""
    match kind:
        case "boolean":
            return {"yes": True, "true": True, "no": False, "false": False}.get(answer.lower())
        case "integer" | "number":
            try:
                number = float(answer)
            except ValueError:
                return None
            if kind == "integer":
                return int(number) if number.is_integer() else None
            return number if abs(number) < float("inf") else None
        case "array":
            return [each.strip() for each in answer.split(",") if each.strip()]
        case _:
            return answer if not choices or answer in choices else None
