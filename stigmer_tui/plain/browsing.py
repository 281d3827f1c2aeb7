"""Lists with numbers: runs, what waits, and the library."""

from collections.abc import Callable, Sequence
from typing import Any

from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.client import Client
from stigmer_tui.actions.places import NARROWS, CommandRefused
from stigmer_tui.cli.columns import age
from stigmer_tui.cli.listing import Asked, lister
from stigmer_tui.manifests.kinds import Kind, find_kind
from stigmer_tui.plain.deciding import Waiting, all_waiting
from stigmer_tui.plain.desk import Desk, Listed
from stigmer_tui.plain.event_lines import phase_word
from stigmer_tui.text.times import thousands
from stigmer_tui.widgets.board.query import filter_of

PAGE = 20
"""Entries that are said at once."""
_MOST = 1000
_KINDS = {
    AttentionKind.ATTENTION_KIND_APPROVAL: "a decision",
    AttentionKind.ATTENTION_KIND_QUESTION: "a question",
    AttentionKind.ATTENTION_KIND_INPUT: "input",
    AttentionKind.ATTENTION_KIND_PASSWORD: "a password",
    AttentionKind.ATTENTION_KIND_SIGNAL: "a signal",
    AttentionKind.ATTENTION_KIND_PROBLEM: "a problem",
}


def runs(desk: Desk, words: str) -> None:
    """Runs, newest first, filtered as the board filters them."""
    text = " ".join(NARROWS.get(word.lower(), word) for word in words.split())
    wanted = filter_of(text)

    def page(token: str, rows: list[Listed]) -> None:
        found = desk.do(lambda client: client.list_executions(wanted, page_size=PAGE, page_token=token))
        if not found.executions and not rows:
            desk.voice.say("No run matches." if text else "There is no run yet. Write start and what shall be done.")
        for row in found.executions:
            rows.append(Listed("execution", row.execution_id))
            desk.voice.say(f"{len(rows)}. {run_words(row)}")
        desk.listed = rows
        desk.more = (lambda: page(found.next_page_token, rows)) if found.next_page_token else None
        _say_more(desk)

    page("", [])


def run_words(row: ExecutionSummary) -> str:
    """A run in a line."""
    words = [phase_word(row.phase) + (", being stopped" if row.cancel_requested else "")]
    if row.attention_count:
        words.append("waits for you")
    words += [row.workflow_name or row.agent_name, row.subject or "no message", f"{age(row.created_unix_micros)} ago"]
    if row.HasField("last_exit_code") and row.last_exit_code:
        words.append(f"exit {row.last_exit_code}")
    if row.tokens:
        words.append(f"{thousands(row.tokens)} tokens")
    if row.damage:
        words.append(f"damaged: {row.damage}")
    if row.error:
        words.append(f"error: {row.error}")
    elif row.last_line and row.last_line != row.subject:
        words.append(f"last line: {row.last_line}")
    return ", ".join(words)


def more(desk: Desk, words: str) -> None:
    """The next page of the list."""
    if desk.more is None:
        raise CommandRefused("There is no more of the last list.")
    desk.more()


def waiting(desk: Desk, words: str) -> None:
    """What waits for a person."""
    found = desk.do(all_waiting)
    desk.more = None
    desk.listed = [Listed("execution", each.execution.execution_id) for each in found]
    for number, each in enumerate(found, 1):
        desk.voice.say(f"{number}. {_waiting_words(each)}")
    if not found:
        desk.voice.say("Nothing waits for you.")
    else:
        desk.voice.say("Write decide and a number. The number alone opens the run.")


def _waiting_words(waiting: Waiting) -> str:
    text = waiting.approval.summary or waiting.question.text or waiting.attention.text
    first, _, rest = text.strip().partition("\n")
    kind = _KINDS.get(waiting.attention.kind, "attention")
    return f"{waiting.execution.workflow_name or waiting.execution.agent_name} wants {kind}: {first[:200]}{', and more' if rest or len(first) > 200 else ''}"


def library(plural: str) -> Callable[[Desk, str], None]:
    """The command that lists a kind."""
    kind = find_kind(plural)
    if kind is None:
        raise ValueError(f"{plural} is no kind")
    return lambda desk, words: _list(desk, kind, words)


def _list(desk: Desk, kind: Kind, text: str) -> None:
    shown = 0

    def found(client: Client) -> Any:
        return lister(client, kind).list(Asked(limit=_MOST, text=text))

    rows: Sequence[Any] = desk.do(found).rows
    by_name = kind.field not in ("session", "workflow_execution", "execution_context")
    desk.listed = [Listed(kind.word, row.metadata.slug if by_name else row.metadata.id) for row in rows]
    words = [_row_words(desk, kind, row) for row in rows]

    def page() -> None:
        nonlocal shown
        for number, line in enumerate(words[shown : shown + PAGE], shown + 1):
            desk.voice.say(f"{number}. {line}")
        shown += PAGE
        desk.more = page if shown < len(words) else None
        _say_more(desk)

    if not words:
        desk.more = None
        desk.voice.say(f"There is no {kind.words}" + (" that matches." if text else " yet."))
        return
    page()


def _row_words(desk: Desk, kind: Kind, row: Any) -> str:
    from stigmer_tui.cli.columns import columns_of

    cells = [(column.heading, column.cell(row).strip()) for column in columns_of(kind) if not column.wide]
    told = [cell if place == 0 else f"{heading.lower()} {cell}" for place, (heading, cell) in enumerate(cells) if cell]
    return ", ".join(told)


def _say_more(desk: Desk) -> None:
    if desk.more is not None:
        desk.voice.say("There are more: write more.")
