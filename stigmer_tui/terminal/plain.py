"""Output as text that leaves the app: for the clipboard without anything but text, for a pager with colours and nothing else."""

import re
from collections.abc import Iterator

from stigmer_tui.terminal.line_cells import draw_line
from stigmer_tui.terminal.output_log import OutputLog

_CHUNK = 1 << 20
_UNWANTED = re.compile(
    rb"\x1b\[[0-9;:]*m"  # colours: kept
    rb"|\x1b\[[0-?]*[ -/]*[@-~]"
    rb"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b))"
    rb"|\x1b[ -/]*[0-~]?"
    rb"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
    rb"|\xc2[\x80-\x9f]"
    rb"|\r(?=\n)"
)
_COLOR = re.compile(rb"\x1b\[[0-9;:]*m")


def copied_rows(log: OutputLog, first_row: int, end_row: int, limit: int) -> tuple[str, bool]:
    """Rows as plain text, lines as they look, at most `limit` characters; and whether something was left out."""
    lines: list[str] = []
    used = 0
    for row in range(first_row, end_row):
        note = log.note(row)
        line = note.text if note else draw_line(log.spool.read(row, limit)).text.rstrip()
        used += len(line) + 1
        if used > limit:
            return "\n".join(lines), True
        lines.append(line)
    return "\n".join(lines), False


def pager_bytes(log: OutputLog) -> Iterator[bytes]:
    """Everything, for `less -R`: colours stay, every other control code goes, notes stand where they stood."""
    position = 0
    for row, note in log.notes_between(0, len(log)):
        yield from _pieces(log, position, log.spool.start(row))
        position = log.spool.start(row)
        yield f"\x1b[0m-- {note.text}\n".encode()
    yield from _pieces(log, position, log.spool.size)


def _pieces(log: OutputLog, start: int, end: int) -> Iterator[bytes]:
    """Bytes from `start` to `end`, cleaned; a piece ends at a line's end where it can."""
    position = start
    while position < end:
        data = log.spool.read_at(position, min(_CHUNK, end - position))
        if position + len(data) < end:
            data = data[: data.rfind(b"\n") + 1] or data
        position += len(data)
        yield _UNWANTED.sub(lambda found: found.group() if _COLOR.fullmatch(found.group()) else b"", data)
        if position >= end and not data.endswith(b"\n"):
            yield b"\n"
