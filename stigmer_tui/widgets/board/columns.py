"""The columns that one can choose from, what a width has room for, and a run in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionKind, ExecutionSummary
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import ago, span
from stigmer_tui.text.width import fit, fit_right
from stigmer_tui.theme.phases import LIVE, look_of

GAP = "  "
WORKFLOW_SIGN = "»"
_MARK = 3
_ROOMY, _ROOM = 56, 34
"""Cells that stay for what was asked and the last line: of the usual columns, and of those that a person chose."""


@dataclass(frozen=True, slots=True)
class Column:
    """Something that a row can show."""

    name: str
    """As it is written in a view."""
    head: str
    help: str
    size: int
    """Cells; 0: whatever is left."""
    least: int
    """Width of the list from which on it is shown; 0: where there is room for it."""
    right: bool = False
    sort: str = ""
    """The order that a click on its head asks for."""


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("subject", "what", "What was asked.", 0, 1),
        Column("age", "age", "How long ago it was created.", 4, 24, True, "newest"),
        Column("exit", "exit", "Exit code of the last command line.", 4, 34, True),
        Column("agent", "agent", "Whose run it is.", 14, 46),
        Column("last", "last line", "The last line of output, or why it failed.", 0, 60, sort="changed"),
        Column("rate", "rate", "How much output came in the last seconds.", 8, 0, sort="changed"),
        Column("tokens", "tokens", "Tokens used, in and out.", 6, 0, True, "tokens"),
        Column("cost", "cost", "What the tokens cost, as far as it is known.", 7, 0, True, "cost"),
        Column("took", "took", "How long it ran, or runs.", 7, 0, True, "longest"),
        Column("phase", "phase", "Where it stands, in a word.", 9, 0),
        Column("labels", "labels", "Its labels.", 18, 0),
        Column("session", "session", "The session that it belongs to.", 14, 0),
    )
}
"""By name; what matters least goes first where there is no room."""
DEFAULT = ("agent", "subject", "rate", "age", "tokens", "cost", "exit", "last")
"""Shown unless something else was chosen, from left to right."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What is shown, from left to right, with its width in cells."""

    shown: tuple[tuple[Column, int], ...]

    def width_of(self, name: str) -> int:
        """Cells of a column; 0 where it is not shown."""
        return next((size for column, size in self.shown if column.name == name), 0)

    def at(self, x: int) -> Column | None:
        """The column at a cell of the row."""
        place = _MARK
        for column, size in self.shown:
            if x < place + size:
                return column if x >= place else None
            place += size + len(GAP)
        return None


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a row; style is the name of a component class without its prefix."""

    text: str
    style: str = "text"


def columns_for(width: int, chosen: Sequence[str] = DEFAULT) -> Columns:
    """As many of the chosen columns as a width has room for."""
    wanted = [COLUMNS[name] for name in dict.fromkeys(("subject", *chosen)) if name in COLUMNS]
    order = [name for name in chosen if name in COLUMNS]
    keep = _ROOMY if tuple(chosen) == DEFAULT else _ROOM
    room, sizes = width - _MARK, dict[str, int]()
    for column in sorted(wanted, key=lambda column: list(COLUMNS).index(column.name)):
        size = 8 if column.name == "agent" and width < 100 else column.size
        if column.size and (width >= column.least if column.least else room - size - len(GAP) >= keep):
            sizes[column.name] = size
            room -= size + len(GAP)
    room = max(1, room)
    names = {column.name for column in wanted}
    if "last" in names and width >= COLUMNS["last"].least:
        subject = max(16, min(56, room * 45 // 100))
        sizes |= {"subject": subject, "last": max(0, room - subject - len(GAP))}
    else:
        sizes["subject"] = room
    if "subject" not in order:
        order.insert(1 if order[:1] == ["agent"] else 0, "subject")
    return Columns(tuple((COLUMNS[name], sizes[name]) for name in order if sizes.get(name)))


def heads(columns: Columns, sort: str = "newest") -> str:
    """The names of the columns; an arrow at what they are sorted by."""
    parts: list[str] = []
    for column, size in columns.shown:
        mark = "↓" if column.sort == sort != "newest" else ""
        name = f"{column.head}{mark}"
        parts.append(fit_right(name, size) if column.right else fit(name, size))
    return " " * _MARK + GAP.join(parts)


def owner_of(row: ExecutionSummary) -> str:
    """The agent whose run it is; a workflow by its sign and its name. Safe to draw."""
    if row.kind == ExecutionKind.EXECUTION_KIND_WORKFLOW:
        return f"{WORKFLOW_SIGN} {safe(Untrusted(row.workflow_name))}"
    return safe(Untrusted(row.agent_name))


def _now_at(row: ExecutionSummary) -> str:
    """The task that a workflow is at."""
    if row.kind != ExecutionKind.EXECUTION_KIND_WORKFLOW or row.phase not in LIVE or not row.task_name:
        return ""
    failed = f", {row.tasks_failed} failed" if row.tasks_failed else ""
    return f"at {row.task_name}, {row.tasks_done} done{failed}"


def age_of(row: ExecutionSummary, now: float) -> str:
    """How long ago it was created."""
    return ago(now - row.created_unix_micros / 1e6)


def took(row: ExecutionSummary, now: float) -> str:
    """How long it ran, or has run by now."""
    if not row.started_unix_micros:
        return ""
    end = row.completed_unix_micros or (int(now * 1e6) if row.phase in LIVE else row.changed_unix_micros)
    return span(
        max(0, end - row.started_unix_micros) // 1_000_000 * 1_000_000
        if row.phase in LIVE
        else end - row.started_unix_micros
    )


def short_count(count: int) -> str:
    """A number in at most five characters: `912`, `1.2k`, `34k`, `5.6M`."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            value = count / size
            return f"{value:.1f}{letter}" if value < 9.95 else f"{value:.0f}{letter}"
    return str(count) if count else ""


def money(micros: int) -> str:
    """Millionths of a US dollar in at most seven characters: `$0.012`, `$1.20`, `$123`."""
    if not micros:
        return ""
    dollars = micros / 1e6
    if dollars < 0.0005:
        return "<$0.001"
    return (
        f"${dollars:.3f}" if dollars < 1 else f"${dollars:.2f}" if dollars < 100 else f"${short_count(round(dollars))}"
    )


def cells_of(
    row: ExecutionSummary, columns: Columns, now: float, *, rate: str = "", marked: bool = False
) -> list[Cell]:
    """The row: its shape, whether it is marked or wants something, and the columns."""
    look = look_of(row.phase, stopping=row.cancel_requested)
    flag = (
        Cell("✚ ", "marked")
        if marked
        else Cell("! ", "attention")
        if row.attention_count + row.child_attention_count
        else Cell("  ")
    )
    if row.unseen and not marked:
        flag = Cell("• ", "wrong")
    if row.damage and not marked:
        flag = Cell("✗ ", "wrong")
    cells = [Cell(look.shape, look.style), flag]
    for index, (column, size) in enumerate(columns.shown):
        text, style = _content(column.name, row, now, rate)
        part = Cell(fit_right(text, size) if column.right else fit(text, size), style)
        cells += [part] if index == 0 else [Cell(GAP), part]
    return cells


def _content(name: str, row: ExecutionSummary, now: float, rate: str) -> tuple[str, str]:
    match name:
        case "subject":
            return safe(Untrusted(row.subject or row.workflow_name)), "subject"
        case "agent":
            return owner_of(row), "agent"
        case "age":
            return age_of(row, now), "age"
        case "exit":
            code = str(row.last_exit_code) if row.HasField("last_exit_code") else ""
            return code, "wrong" if row.last_exit_code else "age"
        case "last":
            wrong = row.damage or row.error
            return safe(Untrusted(wrong or _now_at(row) or row.last_line)), "wrong" if wrong else "last"
        case "rate":
            return rate, "rate"
        case "tokens":
            return short_count(row.tokens), "age"
        case "cost":
            return money(row.cost_micro_usd), "age"
        case "took":
            return took(row, now), "age"
        case "phase":
            look = look_of(row.phase, stopping=row.cancel_requested)
            return look.word, look.style
        case "labels":
            return safe(Untrusted(" ".join(f"{key}={row.labels[key]}" for key in sorted(row.labels)))), "agent"
        case _:
            return safe(Untrusted(row.session_id)), "agent"
