"""One task whole: where it stands, what it took, gave, waits for, and what went wrong, as rows of pieces."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, thousands
from stigmer_tui.text.width import wrap
from stigmer_tui.workflow.state import WorkflowState
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.values import Json, rows_of
from stigmer_tui.workflow.visits import TaskState, Visit, WaitKind
from stigmer_tui.workflow.words import SHAPES, clock, took, waiting_words

Piece = tuple[str, str]
_FIELD = 10
OLDER = 5
"""Visits before the newest that are listed."""


@dataclass(frozen=True, slots=True)
class DetailRow:
    """A row; `path` names the part of a value that it can unfold, empty where there is nothing to unfold."""

    pieces: tuple[Piece, ...]
    path: str = ""


def rows_of_task(node: Node, unfolded: Set[str], width: int, now: float) -> list[DetailRow]:
    """A task in rows of at most `width` cells."""
    return list(_task(node, unfolded, width, now))


def _task(node: Node, unfolded: Set[str], width: int, now: float) -> Iterator[DetailRow]:
    visit = node.newest
    shape, style = SHAPES[node.state]
    yield _row(
        (f"{shape} ", style), (safe(Untrusted(node.name)), "title"), (f"  {safe(Untrusted(node.kind))}", "muted")
    )
    if visit is None:
        yield _row((TaskState.AHEAD.value, "muted"))
    else:
        yield from _standing(node, visit, width, now)
    for name, text in (("does", node.about), ("if", node.condition), ("goes", ", ".join(node.turns))):
        if text:
            yield from _field(name, safe(Untrusted(text)), width)
    if visit is None:
        return
    yield from _trouble(visit, width, unfolded)
    if visit.dropped:
        yield from _gap()
        yield _row(("what it took and gave is not kept here any more", "muted"))
        return
    if visit.has_input:
        yield from value_rows("input", visit.input, unfolded, width)
    if visit.has_output:
        yield from value_rows("output", visit.output, unfolded, width)
    yield from _older(node, visit, now)


def _standing(node: Node, visit: Visit, width: int, now: float) -> Iterator[DetailRow]:
    words = visit.state.value
    if visit.waiting is not None:
        words = (
            f"{words}: {waiting_words(visit.waiting, now)}" if words == "waiting" else waiting_words(visit.waiting, now)
        )
    tone = SHAPES[visit.state][1]
    yield from _field("is", words, width, tone)
    ended = f" to {clock(visit.ended_micros)}" if visit.ended_micros else ""
    yield from _field("when", f"{exact(visit.started_micros)}{ended}, {took(visit, now)}", width)
    if visit.total or visit.done:
        of = f" of {thousands(visit.total)}" if visit.total else ""
        yield from _field("turns", f"{thousands(visit.done)}{of} are over", width)
    if visit.index is not None:
        yield from _field("turn", f"{visit.index + 1} of the loop around it", width)
    if visit.branch:
        yield from _field("branch", safe(Untrusted(visit.branch)), width)
    if visit.attempt > 1:
        yield from _field("attempt", f"{visit.attempt}", width)
    if visit.waiting is not None and visit.waiting.error:
        yield from _field("because", safe(Untrusted(visit.waiting.error)), width, "failed")
    if visit.waiting is not None and visit.waiting.kind is WaitKind.ACTIVITY and visit.waiting.token:
        yield from _field("token", f"{safe(Untrusted(visit.waiting.token))}", width)
        yield _row((" " * _FIELD, "muted"), ("stigmer complete TOKEN --result JSON", "muted"))
    if visit.taken_over:
        yield from _field("taken over", f"from {safe(Untrusted(visit.taken_over))}, where it was done", width)
    if visit.child:
        yield from _field("its run", safe(Untrusted(visit.child)), width, "accent")
    if visit.then:
        yield from _field("went to", safe(Untrusted(visit.then)), width)
    if node.begun > 1:
        ended_words = [f"{thousands(count)} {state.value}" for state, count in node.ended.items()]
        if node.live:
            ended_words.append(f"{len(node.live)} at it")
        yield from _field("visits", f"{thousands(node.begun)}: {', '.join(ended_words)}", width)


def _trouble(visit: Visit, width: int, unfolded: Set[str]) -> Iterator[DetailRow]:
    if visit.state is TaskState.SKIPPED:
        if visit.why:
            yield from _field("because", safe(Untrusted(visit.why)), width)
        return
    if visit.why:
        yield from _field("error", safe(Untrusted(visit.why)), width, "failed")
    if visit.trouble:
        yield from value_rows("error in full", dict(visit.trouble), unfolded, width)


def _older(node: Node, visit: Visit, now: float) -> Iterator[DetailRow]:
    older = [each for each in node.visits if each is not visit]
    if not older:
        return
    yield from _gap()
    yield _row(("visits before", "heading"))
    for each in reversed(older[-OLDER:]):
        shape, style = SHAPES[each.state]
        turn = f"turn {each.index + 1}" if each.index is not None else clock(each.started_micros)
        why = f"  {safe(Untrusted(each.why))}" if each.why else ""
        yield _row((f"{shape} ", style), (f"{turn:<10}", "muted"), (took(each, now), "muted"), (why, "muted"))


def value_rows(name: str, value: Json, unfolded: Set[str], width: int) -> Iterator[DetailRow]:
    """A value below its heading."""
    yield from _gap()
    yield _row((name, "heading"))
    for row in rows_of(value, unfolded, path=f"{name}:"):
        indent = "  " * min(row.depth, 16)
        key = f"{safe(Untrusted(row.name))}: " if row.name else ""
        pieces: list[Piece] = [(indent, "muted"), (key, "key")]
        room = max(8, width - len(indent) - len(key) - (4 if row.folded else 0))
        first, *rest = wrap(safe(Untrusted(row.text)), room)
        pieces.append((first, "text"))
        path = row.path if row.folded else ""
        if row.folded and not rest:
            pieces.append(("  ⏎", "accent"))
        yield DetailRow(tuple(pieces), path)
        for place, line in enumerate(rest):
            mark = ("  ⏎", "accent") if row.folded and place == len(rest) - 1 else ("", "muted")
            yield DetailRow(((indent + " " * len(key), "muted"), (line, "text"), mark), path)


def rows_of_run(state: WorkflowState, unfolded: Set[str], width: int) -> list[DetailRow]:
    """What the whole run took and gave, and which signals came."""
    rows: list[DetailRow] = [_row(("the whole run", "title"))]
    if state.goes_on_at:
        names = " and ".join(safe(Untrusted(path.rpartition("/")[2])) for path in state.goes_on_at)
        rows += _field("goes on", f"at {names}, after {safe(Untrusted(state.retried_from))}", width)
    if state.engine:
        rows += _field("driven by", safe(Untrusted(state.engine.capitalize())), width)
    if state.engine_page:
        rows += _field("its page", safe(Untrusted(state.engine_page)), width, "accent")
    if state.has_input:
        rows += value_rows("input", state.input, unfolded, width)
    if state.has_output:
        rows += value_rows("output", state.output, unfolded, width)
    for told in reversed(state.signals):
        rows += value_rows(f"signal {safe(Untrusted(told.name))}, {clock(told.micros)}", told.data, unfolded, width)
    if len(rows) == 1:
        begun = state.phase != enums.EXECUTION_PENDING
        rows.append(_row(("it took and gave nothing, so far" if begun else "nothing has run yet", "muted")))
    return rows


def _field(name: str, text: str, width: int, style: str = "text") -> Iterator[DetailRow]:
    for place, line in enumerate(wrap(text, max(8, width - _FIELD))):
        yield _row((f"{name if place == 0 else '':<{_FIELD}}", "muted"), (line, style))


def _gap() -> Iterator[DetailRow]:
    yield _row(("", "text"))


def _row(*pieces: Piece) -> DetailRow:
    return DetailRow(tuple(pieces))
