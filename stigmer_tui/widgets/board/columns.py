"""What a width has room for, and a run in it."""

from dataclasses import dataclass

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import ago
from stigmer_tui.text.width import fit, fit_right
from stigmer_tui.theme.phases import look_of

GAP = "  "
_MARK, _AGE, _EXIT = 3, 4, 4


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells; 0 where a column has no room."""

    agent: int
    subject: int
    age: int
    exit: int
    last: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a row; style is the name of a component class without its prefix."""

    text: str
    style: str = "text"


def columns_for(width: int) -> Columns:
    """Everything from 60 columns on; below, what matters least goes first: last line, agent, exit code, age."""
    age = _AGE if width >= 24 else 0
    code = _EXIT if width >= 34 else 0
    agent = 0 if width < 46 else 8 if width < 100 else 14
    fixed = _MARK + sum(size + len(GAP) for size in (agent, age, code) if size)
    room = max(1, width - fixed)
    if width < 60:
        return Columns(agent, room, age, code, 0)
    subject = max(16, min(56, room * 45 // 100))
    return Columns(agent, subject, age, code, max(0, room - subject - len(GAP)))


def heads(columns: Columns) -> str:
    """The names of the columns."""
    parts = [
        fit(name, size) if left else fit_right(name, size)
        for name, size, left in (
            ("agent", columns.agent, True),
            ("what", columns.subject, True),
            ("age", columns.age, False),
            ("exit", columns.exit, False),
            ("last line", columns.last, True),
        )
        if size
    ]
    return " " * _MARK + GAP.join(parts)


def age_of(row: ExecutionSummary, now: float) -> str:
    """How long ago it was created."""
    return ago(now - row.created_unix_micros / 1e6)


def cells_of(row: ExecutionSummary, columns: Columns, now: float) -> list[Cell]:
    """The row."""
    look = look_of(row.phase, stopping=row.cancel_requested)
    cells = [Cell(look.shape, look.style), Cell("! " if row.attention_count else "  ", "attention")]
    parts: list[Cell] = []
    if columns.agent:
        parts.append(Cell(fit(safe(Untrusted(row.agent_name)), columns.agent), "agent"))
    parts.append(Cell(fit(safe(Untrusted(row.subject)), columns.subject), "subject"))
    if columns.age:
        parts.append(Cell(fit_right(age_of(row, now), columns.age), "age"))
    if columns.exit:
        code = str(row.last_exit_code) if row.HasField("last_exit_code") else ""
        parts.append(Cell(fit_right(code, columns.exit), "wrong" if row.last_exit_code else "age"))
    if columns.last:
        last = row.error or row.last_line
        parts.append(Cell(fit(safe(Untrusted(last)), columns.last), "wrong" if row.error else "last"))
    for index, part in enumerate(parts):
        cells += [part] if index == 0 else [Cell(GAP), part]
    return cells
