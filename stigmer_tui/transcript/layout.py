"""From blocks to rows of a width."""

from stigmer_tui.text.times import size
from stigmer_tui.transcript.blocks import (
    AgentText,
    Artifact,
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
    Usage,
    hidden,
    plain_text,
    usage_words,
)
from stigmer_tui.transcript.calls import killed_words, outcome_words, output_text
from stigmer_tui.transcript.diffs import SHOWN_LINES as SHOWN_DIFF_LINES
from stigmer_tui.transcript.diffs import diff_rows
from stigmer_tui.transcript.prose import prose_rows
from stigmer_tui.transcript.rows import INDENT, Row, Shape, Span, folded, marked

SHOWN_LINES = 12
"""Lines of a tool's result that are shown until it is unfolded."""
SHOWN_COMMAND_LINES = 6
SHOWN_OUTPUT_LINES = 6
"""Last lines of a command's output that are shown until it is unfolded."""
_SHOWN_AS_DIFF = frozenset({"edit", "write"})
"""Tools whose result repeats the diff that stands below it."""
_BAR = "│ "

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


def rows_of(block: Block, shape: Shape) -> list[Row]:
    """The rows of a block; none where it is hidden. What happened to a sub-agent stands behind a bar."""
    if hidden(block):
        return []
    if not block.depth or shape.width <= 2 * len(_BAR):
        return _rows(block, shape)
    return [(Span(_BAR, "faint"), *row) for row in _rows(block, shape.narrower(len(_BAR)))]


def likely_rows(block: Block, shape: Shape) -> int:
    """About how many rows that are, without laying them out; at least one, but for what is hidden."""
    if hidden(block):
        return 0
    width = max(2, shape.width - 2)
    match block:
        case AgentText():
            return 1 + _likely(block.text, width) + (1 if block.reasoning else 0)
        case ToolCall():
            return 2 + min(SHOWN_LINES, _likely(block.result, width)) + min(SHOWN_OUTPUT_LINES, block.output_lines)
        case FileDiff():
            return 1 + min(SHOWN_DIFF_LINES, block.diff.count("\n"))
        case PersonLine():
            return 1 + _likely(block.text, width)
        case _:
            return max(1, _likely(plain_text(block), width))


def _likely(text: str, width: int) -> int:
    return text.count("\n") + 1 + len(text) // width if text else 0


def _rows(block: Block, shape: Shape) -> list[Row]:
    width = shape.width
    match block:
        case PersonLine():
            return _person(block, width)
        case AgentText():
            return _agent(block, shape)
        case ToolCall():
            return _call(block, width)
        case Remark():
            style = _TONES[block.tone]
            if block.lines:
                return folded(block.mark, style, block.text, style, width, lines=block.lines, opened=block.opened)
            return marked(block.mark, style, block.text, style, width)
        case TodoList():
            return [row for mark, text in block.items for row in marked(mark, "accent", text, "text", width)] or [()]
        case Step():
            return _step(block, width)
        case FileDiff():
            return diff_rows(block, shape)
        case Usage():
            return marked("∑", "faint", usage_words(block), "muted", width)
        case Artifact():
            words = f"{block.name} is kept, {size(block.size)}: {block.artifact_id}"
            return marked("◆", "accent", words, "muted", width)


def _person(block: PersonLine, width: int) -> list[Row]:
    word, style = _LINE_NOTES[block.state]
    rows: list[Row] = [(), *marked("›", "accent", block.text, "muted" if word else "person", width)]
    for name in block.attachments:
        rows += marked("◇", "accent", name, "muted", width)
    if word:
        note = f"{word}: {block.reason}" if block.reason else word
        rows += marked(" ", style, note, style, width)
    return rows


def _agent(block: AgentText, shape: Shape) -> list[Row]:
    width = shape.width
    rows: list[Row] = [()]
    if block.reasoning:
        rows += _reasoning(block, width)
    if block.text and shape.as_written:
        rows += marked(" ", "text", block.text, "text", width)
    elif block.text:
        name = f"{block.run}/{block.message_id}"
        rows += [(Span(INDENT), *row) if row else () for row in prose_rows(block.text, width - len(INDENT), name)]
    if block.interrupted:
        rows += marked("■", "warning", block.interrupted, "warning", width)
    return rows


def _reasoning(block: AgentText, width: int) -> list[Row]:
    """Folded to one row: how much it is, and how it begins; while nothing else was said, how it ends."""
    if block.opened:
        return folded("∴", "faint", block.reasoning, "faint", width, lines=1, opened=True)
    words = len(block.reasoning.split())
    told = f"thought, {words:,} word{'' if words == 1 else 's'}"
    text = " ".join(block.reasoning.split())
    room = max(0, width - len(told) - 6)
    glimpse = text if len(text) <= room else (text[: max(0, room - 1)] + "…" if block.text else "…" + text[-room:])
    return marked("∴", "faint", f"{told}  {glimpse}", "faint", width)[:1]


def _call(block: ToolCall, width: int) -> list[Row]:
    rows: list[Row] = []
    if not block.shown_above:
        title = block.command if block.name == "shell" else f"{block.name} {block.command}"
        mark = "$" if block.name == "shell" else "⚒"
        rows += folded(mark, "accent", title, "text", width, lines=SHOWN_COMMAND_LINES, opened=block.opened)
    if block.args and block.opened:
        rows += folded(" ", "text", block.args, "muted", width, lines=SHOWN_LINES, opened=True)
    if block.waits:
        rows += marked("!", "warning", f"waits for you: {block.waits}", "warning", width)
        return rows
    if block.decision:
        rows += marked("·", "muted", block.decision, "muted", width)
    mark, style = _CALL_MARKS[block.state]
    if block.state is CallState.ENDED and block.failed:
        mark, style = "✗", "error"
    rows += marked(mark, style, outcome_words(block), style if block.failed else "muted", width)
    if block.no_walls is not None:
        rows += marked(" ", "warning", f"no walls around it: {block.no_walls or 'no reason given'}", "warning", width)
    if block.killed:
        rows += marked(" ", "muted", killed_words(block.killed), "muted", width)
    if block.error:
        rows += folded(" ", "error", block.error, "error", width, lines=SHOWN_LINES, opened=block.opened)
    if block.output:
        rows += _output(block, width)
    if block.result:
        lines = 1 if block.name in _SHOWN_AS_DIFF else SHOWN_LINES
        rows += folded(" ", "text", block.result, "text", width, lines=lines, opened=block.opened)
    return rows


def _output(block: ToolCall, width: int) -> list[Row]:
    """The last lines that it printed; how many there were before them."""
    lines = output_text(block).split("\n")
    shown = lines if block.opened else lines[-SHOWN_OUTPUT_LINES:]
    before = block.output_lines + (not block.output.endswith(b"\n")) - len(shown)
    rows: list[Row] = []
    if before > 0:
        where = "o shows all" if block.opened or len(lines) <= SHOWN_OUTPUT_LINES else "f shows more, o all"
        rows += marked(" ", "fold", f"… {before:,} more line{'' if before == 1 else 's'}; {where}", "fold", width)[:1]
    return [*rows, *marked(" ", "text", "\n".join(shown), "muted", width)]


def _step(block: Step, width: int) -> list[Row]:
    """A sub-agent or a task: its state in a row, what came of it; what it did in between where it is unfolded."""
    mark, style = ("✗", "error") if block.error else ("✓", "good") if block.done else ("▶", "accent")
    rows: list[Row] = [(), *marked(mark, style, block.name, "text", width)]
    if block.waits:
        rows += marked("!", "warning", "waits for you", "warning", width)
    for text, text_style in ((block.input, "muted"), (block.output, "text"), (block.error, "error")):
        if text:
            lines = 2 if text is block.input else SHOWN_LINES
            rows += folded(" ", text_style, text, text_style, width, lines=lines, opened=block.opened)
    if block.steps and not block.opened:
        count = f"… {block.steps:,} step{'' if block.steps == 1 else 's'} of its, folded"
        rows += marked(" ", "fold", count, "fold", width)
    return rows


def can_open(block: Block) -> bool:
    """Whether unfolding it would show more."""
    match block:
        case AgentText():
            return bool(block.reasoning)
        case ToolCall():
            long = max(block.result.count("\n"), block.error.count("\n"), len(block.result) // 800)
            more = block.output.count(b"\n") > SHOWN_OUTPUT_LINES
            repeated = block.name in _SHOWN_AS_DIFF and "\n" in block.result
            return (
                more
                or repeated
                or bool(block.args)
                or long >= SHOWN_LINES
                or block.command.count("\n") >= SHOWN_COMMAND_LINES
            )
        case FileDiff():
            return block.diff.count("\n") > SHOWN_DIFF_LINES
        case Step():
            return True
        case _:
            return False
