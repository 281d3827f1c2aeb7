"""Makes what a model is shown shorter, when it would not fit any more. Pure."""

import json
from collections.abc import Sequence
from dataclasses import replace

from stigmer_runner.durable.messages import Entry

FULL = 0.8
"""The part of a context from which on it is made shorter."""
AIM = 0.5
"""The part that is left then, where leaving out old results of tools is enough."""
KEPT = 0.25
"""The part of the newest messages that stays as it is."""
SHORT = 400
"""Characters of a tool's result that are not worth leaving out."""
CHARACTERS_A_TOKEN = 3.5

SUMMARIZE = (
    "You sum up a conversation between a person and an agent, so that the agent can go on without the original. Write down, "
    "briefly and in this order: what the person wants, word for word where it matters; what was decided and why; what was done "
    "and found out (files with their paths, commands and what they gave); what is still to do. Leave out nothing that the agent "
    "needs, add nothing of your own."
)


def tokens_of(text: str) -> int:
    """About how many tokens a text has."""
    return int(len(text) / CHARACTERS_A_TOKEN) + 4


def is_full(used: int, context: int, answer: int) -> bool:
    """Whether what fills `used` tokens leaves too little of a context."""
    return used > max(context - answer, context // 4) * FULL


def newest(entries: Sequence[Entry], context: int) -> int:
    """Where the newest entries begin that stay as they are: never between a tool call and its result."""
    room = int(context * KEPT)
    begin = len(entries)
    while begin > 0 and room >= entries[begin - 1].tokens:
        begin -= 1
        room -= entries[begin].tokens
    while begin < len(entries) and entries[begin].role == "tool":
        begin += 1
    return begin


def without_old_results(entries: Sequence[Entry], until: int) -> list[Entry]:
    """`entries` with long results of tools left out in those before `until`."""
    return [_shortened(entry) if number < until else entry for number, entry in enumerate(entries)]


def transcript(entries: Sequence[Entry], room: int) -> str:
    """`entries` as text for a summary, of at most about `room` tokens: where they are too many the oldest are left out."""
    parts: list[str] = []
    for entry in reversed(entries):
        part = _spoken(entry)
        room -= tokens_of(part)
        if room < 0:
            parts.append("[what came before is left out]")
            break
        parts.append(part)
    return "\n\n".join(reversed(parts))


def summary_entry(summary: str) -> Entry:
    """What stands in place of what was summed up."""
    text = f"What was said and done before, summed up:\n\n{summary}"
    body = json.dumps({"role": "user", "text": text, "attachments": []})
    return Entry(body, "user", tokens_of(text))


def _shortened(entry: Entry) -> Entry:
    if entry.role != "tool":
        return entry
    message = json.loads(entry.body)
    text = str(message.get("text", ""))
    if len(text) <= SHORT and not message.get("images"):
        return entry
    message["text"] = (
        f"[a result of {len(text)} characters, left out to save room: call the tool again where it is needed]"
    )
    message["images"] = []
    return replace(entry, body=json.dumps(message), tokens=tokens_of(message["text"]))


def _spoken(entry: Entry) -> str:
    message = json.loads(entry.body)
    text = str(message.get("text", ""))
    match entry.role:
        case "user":
            return f"PERSON: {text}"
        case "tool":
            return f"RESULT of {message.get('name', 'a tool')}: {text}"
        case _:
            calls = [f"CALLS {call['name']}: {call['args_json']}" for call in message.get("tool_calls", ())]
            return "\n".join([f"AGENT: {text}", *calls])
