"""Decisions and questions, asked in line mode.

The whole of what will happen is said first, with what one might overlook in it. Then a number is named that nobody could know before, and only an answer
with that number allows anything: what was typed or pasted earlier, a line that an editor sent late, a text that a model wrote, has it not. Input from
before the question is dropped besides, and more than one line at once is no answer. There is no default.
"""

import secrets
from collections.abc import Mapping, Set
from dataclasses import replace

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    APPROVAL_DENIED,
    APPROVAL_ONCE,
    APPROVAL_PREFIX,
    APPROVAL_SESSION,
    Approval,
)
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import ListAttentionResponse
from stigmer_apis.client import Client, TailBatch
from stigmer_apis.errors import InvalidArgument
from stigmer_tui.plain.desk import Desk
from stigmer_tui.plain.listening import Pasted
from stigmer_tui.text.times import exact
from stigmer_tui.transcript.decisions import Asked, Decisions
from stigmer_tui.widgets.approval.words import shown_rows, warnings_of

PAGE = 1000
Waiting = ListAttentionResponse.Waiting
_ROW = 1000
"""Cells of a row: the terminal, the editor or the voice breaks lines as it likes."""
_MOST_ATTEMPTS = 30
"""Answers that mean nothing; whoever gives so many is no person who decides."""
_ALLOWING = {"once": APPROVAL_ONCE, "session": APPROVAL_SESSION, "prefix": APPROVAL_PREFIX}
_ASKED_HERE = frozenset({AttentionKind.ATTENTION_KIND_APPROVAL, AttentionKind.ATTENTION_KIND_QUESTION})


async def all_waiting(client: Client) -> list[Waiting]:
    """What waits for a person in all runs, the oldest first."""
    found: list[Waiting] = []
    token, more = "", True
    while more:
        page = await client.steering.list_attention(page_size=PAGE, page_token=token)
        found.extend(page.waiting)
        token, more = page.next_page_token, bool(page.next_page_token)
    return found


async def waiting_of(client: Client, execution_id: str, left: Set[str] = frozenset()) -> Waiting | None:
    """The oldest decision or question of a run, but for those that are left for later; None where nothing waits."""
    for waiting in await all_waiting(client):
        what = waiting.attention
        if waiting.execution.execution_id != execution_id or what.attention_id in left:
            continue
        if what.kind in _ASKED_HERE:
            return waiting
    return None


def ask(desk: Desk, waiting: Waiting) -> bool:
    """Ask about it; whether it was dealt with, and not left for later. Raises `StigmerError` where the server refuses."""
    if desk.read_only:
        desk.voice.say("It waits for somebody else: you are looking on.")
        return False
    if waiting.attention.kind == AttentionKind.ATTENTION_KIND_QUESTION:
        return _ask_question(desk, waiting)
    return _ask_decision(desk, waiting)


def new_number() -> str:
    """Three digits that nobody could foresee."""
    return str(secrets.randbelow(900) + 100)


def _ask_decision(desk: Desk, waiting: Waiting) -> bool:
    asked = _whole(desk, waiting)
    run = waiting.execution
    say = desk.voice.say
    say("")
    say(f"Decision: {run.workflow_name or run.agent_name} wants to use {asked.tool}, in the run {run.execution_id}.")
    if asked.reason:
        say(f"You are asked because: {asked.reason}")
    for warning in warnings_of(asked.summary):
        say(f"Take care: it {warning}")
    say("What will happen, whole, from here:")
    desk.voice.say_all(f"  {row}" for row in shown_rows(asked.summary, _ROW))
    say("to here.")
    if waiting.approval.expires_unix_micros:
        say(f"Without an answer it is denied at {exact(waiting.approval.expires_unix_micros)}.")
    number = new_number()
    if asked.is_cut:
        say("Not all of it could be fetched, so it can only be denied.")
    else:
        say(f"To allow it this once, type once and the number {number}. For the rest of the session: session {number}.")
        if asked.prefix:
            say(f"To allow every command that begins with {' '.join(asked.prefix)}: prefix {number}.")
        say(f"To change it before it runs: edit {number}.")
    say("To deny it, type deny, and a reason if you like. To decide later, type later.")
    return _decided(desk, asked, number)


def _decided(desk: Desk, asked: Asked, number: str) -> bool:
    for _ in range(_MOST_ATTEMPTS):
        line = _answer(desk, "Your decision: ")
        if line is None:
            return _later(desk)
        verb, _, rest = line.strip().partition(" ")
        verb, rest = verb.lower(), rest.strip()
        match verb:
            case "later":
                return _later(desk)
            case "deny":
                _resolve(desk, asked, APPROVAL_DENIED, reason=rest)
                desk.voice.say("Denied.")
                return True
            case "once" | "session" | "edit" | "prefix" if asked.is_cut:
                desk.voice.say("It can only be denied. Type deny, or later.")
            case "prefix" if not asked.prefix:
                desk.voice.say("That is not offered for this one. Type once, session, edit, deny or later.")
            case "once" | "session" | "edit" | "prefix" if rest != number:
                desk.voice.say(f"Nothing was decided: type {verb} {number}, or deny, or later.")
            case "once" | "session" | "prefix":
                _resolve(desk, asked, _ALLOWING[verb])
                desk.voice.say("Allowed.")
                return True
            case "edit":
                if _edit(desk, asked):
                    return True
            case _:
                desk.voice.say(f"Nothing was decided. Type once {number}, deny, or later.")
    return _later(desk)


def _edit(desk: Desk, asked: Asked) -> bool:
    from stigmer_tui.screens.steering import editable, edited_args

    if not asked.args.fields or "\n" in editable(asked):
        desk.voice.say("It cannot be edited as one line. Deny it with a reason that says what it should be.")
        return False
    line = _answer(desk, "What shall run instead: ")
    if not line or not line.strip():
        desk.voice.say("Nothing was changed.")
        return False
    try:
        edited = edited_args(asked, line)
    except InvalidArgument as error:
        desk.voice.say(error.message)
        return False
    number = new_number()
    desk.voice.say("What will happen instead:")
    desk.voice.say_all(f"  {row}" for row in shown_rows(line, _ROW))
    if (_answer(desk, f"To let this run once, type once {number}: ") or "").strip().lower() != f"once {number}":
        desk.voice.say("Nothing was decided.")
        return False
    _resolve(desk, asked, APPROVAL_ONCE, edited=edited)
    desk.voice.say("Allowed, as you changed it.")
    return True


def _ask_question(desk: Desk, waiting: Waiting) -> bool:
    question = waiting.question
    options = list(question.options)
    desk.voice.say("")
    desk.voice.say(
        f"Question of {waiting.execution.workflow_name or waiting.execution.agent_name}, in the run {waiting.execution.execution_id}:"
    )
    desk.voice.say(question.text)
    desk.voice.say_all(f"  {number}. {option}" for number, option in enumerate(options, 1))
    what = "the number of an option, or words" if options else "your answer"
    line = _answer(desk, f"Type {what}; nothing leaves it for later. Your answer: ")
    text = (line or "").strip()
    if not text:
        return _later(desk)
    if text.isdecimal() and len(text) < 6 and 1 <= int(text) <= len(options):
        text = options[int(text) - 1]
    run, attention = waiting.execution.execution_id, waiting.attention.attention_id
    desk.do(lambda client: client.steering.answer(run, text, attention))
    desk.voice.say("Answered.")
    return True


def _answer(desk: Desk, prompt: str) -> str | None:
    try:
        return desk.listener.answer(prompt)
    except Pasted:
        desk.voice.say("More than one line came at once, as from a paste. It was dropped.")
        return ""


def _later(desk: Desk) -> bool:
    desk.voice.say("Left for later. decide comes back to it.")
    return False


def _resolve(
    desk: Desk,
    asked: Asked,
    approval: "Approval.ValueType",
    *,
    reason: str = "",
    edited: Mapping[str, object] | None = None,
) -> None:
    desk.do(
        lambda client: client.steering.resolve_approval(
            asked.execution_id,
            asked.call_id,
            approval,
            binding=asked.binding,
            reason=reason,
            edited_args=edited,
        )
    )


def _whole(desk: Desk, waiting: Waiting) -> Asked:
    """The call with the whole of its text: from the run's events where the list has only the beginning."""
    approval = waiting.approval
    run = waiting.execution.execution_id
    if waiting.cut or not waiting.HasField("args"):
        found = desk.do(lambda client: _from_events(client, run, approval.call_id))
        if found is not None and found.binding == approval.binding:
            return found
    return Asked(
        approval.call_id,
        waiting.tool or approval.tool,
        waiting.args,
        approval.summary,
        approval.reason,
        approval.binding,
        tuple(approval.prefix),
        execution_id=run,
        is_cut=waiting.cut,
    )


async def _from_events(client: Client, execution_id: str, call_id: str) -> Asked | None:
    decisions = Decisions()
    async for item in client.tail(execution_id, follow=False):
        if isinstance(item, TailBatch):
            for event in item.events:
                decisions.apply(event)
    found = decisions.approvals.get(call_id)
    return None if found is None else replace(found, execution_id=execution_id)
