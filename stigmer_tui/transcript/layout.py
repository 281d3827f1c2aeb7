"""From blocks to rows of a width: text that is safe to draw, each piece with the name of its style."""

from dataclasses import dataclass

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import wrap
from stigmer_tui.transcript.blocks import (
    AgentText,
    Block,
    CallState,
    FileDiff,
    LineState,
    PersonLine,
    Remark,
    Step,
    TodoList,
    Tone,
    ToolCall,
)
from stigmer_tui.transcript.calls import killed_words, outcome_words

SHOWN_LINES = 12
"""Lines of a tool's result that are shown; the pager has all."""
SHOWN_DIFF_LINES = 40
"""Lines of a diff that are shown; the pager has all."""
INDENT = "  "
_BAR = "│ "


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a row."""

    text: str
    style: str = "text"
    """Name of a component class of the view, without its prefix."""


Row = tuple[Span, ...]

_CALL_MARKS = {
    CallState.REQUESTED: ("●", "muted"),
    CallState.RUNNING: ("▶", "accent"),
    CallState.ENDED: ("✓", "good"),
    CallState.STOPPED: ("■", "warning"),
    CallState.TIMED_OUT: ("✗", "error"),
    CallState.UNKNOWN: ("?", "error"),
    CallState.NOT_STARTED: ("✗", "error"),
}
_LINE_NOTES = {
    LineState.QUEUED: ("queued", "muted"),
    LineState.TAKEN: ("", "text"),
    LineState.REFUSED: ("not taken", "error"),
}
_TONES = {Tone.QUIET: "muted", Tone.GOOD: "good", Tone.WARNING: "warning", Tone.ERROR: "error"}


def rows_of(block: Block, width: int) -> list[Row]:
    """The rows of a block in `width` cells; what happened to a sub-agent stands behind a bar."""
    if not block.depth or width <= 2 * len(_BAR):
        return _rows(block, width)
    return [(Span(_BAR, "faint"), *row) for row in _rows(block, width - len(_BAR))]


def _rows(block: Block, width: int) -> list[Row]:
    match block:
        case PersonLine():
            return _person(block, width)
        case AgentText():
            return _agent(block, width)
        case ToolCall():
            return _call(block, width)
        case Remark():
            style = _TONES[block.tone]
            return _marked(block.mark, style, block.text, style, width)
        case TodoList():
            return [row for shape, text in block.items for row in _marked(shape, "accent", text, "text", width)]
        case Step():
            return _step(block, width)
        case FileDiff():
            return _diff(block, width)


def _marked(mark: str, mark_style: str, text: str, style: str, width: int) -> list[Row]:
    """Text with a mark in front of its first row."""
    lines = wrap(safe(Untrusted(text), lines=True), width - len(INDENT))
    rows: list[Row] = [(Span(f"{mark} ", mark_style), Span(lines[0], style))]
    rows.extend((Span(INDENT), Span(line, style)) for line in lines[1:])
    return rows


def _person(block: PersonLine, width: int) -> list[Row]:
    word, style = _LINE_NOTES[block.state]
    rows = [(), *_marked("›", "accent", block.text, "muted" if word else "person", width)]
    if word:
        note = f"{word}: {block.reason}" if block.reason else word
        rows += _marked(" ", style, note, style, width)
    return rows


def _agent(block: AgentText, width: int) -> list[Row]:
    rows: list[Row] = [()]
    if block.reasoning:
        rows += _shortened("∴", "faint", block.reasoning, "faint", width)
    if block.text:
        rows += _marked(" ", "text", block.text, "text", width)
    if block.interrupted:
        rows += _marked("■", "warning", block.interrupted, "warning", width)
    return rows


def _call(block: ToolCall, width: int) -> list[Row]:
    rows: list[Row] = []
    if not block.shown_above:
        rows += _shortened("$" if block.name == "shell" else "⚒", "accent", _call_title(block), "text", width)
    if block.waits:
        rows += _marked("!", "warning", f"waits for you: {block.waits}", "warning", width)
        return rows
    if block.decision:
        rows += _marked("·", "muted", block.decision, "muted", width)
    mark, style = _CALL_MARKS[block.state]
    if block.state is CallState.ENDED and block.failed:
        mark, style = "✗", "error"
    rows += _marked(mark, style, outcome_words(block), style if block.failed else "muted", width)
    if block.no_walls is not None:
        rows += _marked(" ", "warning", f"no walls around it: {block.no_walls or 'no reason given'}", "warning", width)
    if block.killed:
        rows += _marked(" ", "muted", killed_words(block.killed), "muted", width)
    if block.error:
        rows += _marked(" ", "error", block.error, "error", width)
    if block.result:
        rows += _shortened(" ", "text", block.result, "text", width)
    return rows


def _call_title(block: ToolCall) -> str:
    return block.command if block.name == "shell" else f"{block.name} {block.command}"


def _step(block: Step, width: int) -> list[Row]:
    mark, style = ("✗", "error") if block.error else ("✓", "good") if block.done else ("▶", "accent")
    rows = [(), *_marked(mark, style, block.name, "text", width)]
    for text, text_style in ((block.input, "muted"), (block.output, "text"), (block.error, "error")):
        if text:
            rows += _shortened(" ", text_style, text, text_style, width)
    return rows


_DIFF_STYLES = {"+": "good", "-": "error", "@": "accent"}


def _diff(block: FileDiff, width: int) -> list[Row]:
    """The file, how many lines came and went, and the lines; the two names that a diff begins with say nothing more."""
    head = f"{block.path} {block.change}"
    counts = f"  +{block.added} −{block.removed}" if block.added or block.removed else ""
    rows = _marked("±", "accent", head + counts, "text", width)
    lines = [line for line in block.diff.splitlines() if not line.startswith(("--- ", "+++ "))]
    for line in lines[:SHOWN_DIFF_LINES]:
        style = _DIFF_STYLES.get(line[:1], "muted")
        rows += [(Span(INDENT), Span(part, style)) for part in wrap(safe(Untrusted(line)), width - len(INDENT))]
    if len(lines) > SHOWN_DIFF_LINES:
        rows += _marked(" ", "muted", f"… {len(lines) - SHOWN_DIFF_LINES} more lines", "muted", width)
    return rows


def _shortened(mark: str, mark_style: str, text: str, style: str, width: int) -> list[Row]:
    """Like `_marked`, cut to a dozen rows with a word on how much is left out."""
    if len(text) > SHOWN_LINES * width * 4:
        text, cut = text[: SHOWN_LINES * width * 4], len(text) - SHOWN_LINES * width * 4
    else:
        cut = 0
    rows = _marked(mark, mark_style, text, style, width)
    if len(rows) > SHOWN_LINES or cut:
        more = f"… {len(rows) - SHOWN_LINES} more rows" if not cut else "… and more"
        rows = [*rows[:SHOWN_LINES], *_marked(" ", "muted", more, "muted", width)]
    return rows
