"""A run as Markdown. Everything that the run said stands in code: as text, never as markup.

A fence is longer than any run of backticks in it; where the text is not known in advance (output, as it comes), a line that would close the
fence closes it before itself and opens a longer one. Control codes, bidirectional controls and the like are made visible or left out.
"""

import re
from collections.abc import Callable

from stigmer_tui.records.parts import Author, Begun, CallBegun, CallEnded, Changed, Ended, Noted, Output, Part, Said
from stigmer_tui.text import safe
from stigmer_tui.text.times import exact

_BACKTICKS = re.compile("`+")
_CLOSES = re.compile("\\s{0,3}(`{3,})\\s*\\Z")
_FENCE = 4
"""Backticks of a usual fence."""
_WORDS = {Author.PERSON: "Person", Author.AGENT: "Agent", Author.OTHER: "Note"}


class MarkdownWriter:
    """Writes parts out, one after the other."""

    def __init__(self, write: Callable[[str], object], title: str) -> None:
        """`write` is given text. `title` is foreign text."""
        self._write = write
        self._title = title
        self._open: str | None = None
        """Whose output stands in the fence that is open."""
        self._fence = _FENCE

    def take(self, part: Part) -> None:
        """The next part."""
        if isinstance(part, Output):
            self._output(part)
            return
        self._close()
        match part:
            case Begun():
                self._begun(part)
            case Said():
                self._said(part)
            case CallBegun():
                who = f" (sub-agent {code(part.sub_agent)})" if part.sub_agent else ""
                self._write(f"### {code(part.tool or 'tool')}{who}\n\n{fenced(part.summary)}")
                if part.directory:
                    self._write(f"In {code(part.directory)}, {exact(part.micros)}\n\n")
            case CallEnded():
                self._write(f"Ended: {code(part.outcome)}\n\n")
                for text in (part.result, part.error):
                    if text:
                        self._write(fenced(text))
            case Changed():
                self._write(f"{code(part.path)} {part.what}, +{part.added} -{part.removed}\n\n")
                if part.diff:
                    self._write(fenced(part.diff, "diff"))
            case Noted():
                self._write(fenced(part.text) if "\n" in part.text else f"*{code(part.text)}*\n\n")
            case Ended():
                self._write(f"## The run {part.phase}, {exact(part.micros)}\n\n")
                if part.reason:
                    self._write(fenced(part.reason))

    def finish(self) -> None:
        """The end."""
        self._close()

    def _begun(self, part: Begun) -> None:
        self._write(f"# {code(self._title)}\n\n")
        rows = {
            "Agent": part.agent,
            "Session": part.session_id,
            "Workspace": part.workspace,
            "By": part.author,
            "At": exact(part.micros),
        }
        for name, value in rows.items():
            if value:
                self._write(f"- {name}: {code(value)}\n")
        self._write("\n")

    def _said(self, part: Said) -> None:
        who = f" (sub-agent {code(part.sub_agent)})" if part.sub_agent else ""
        self._write(f"## {_WORDS[part.author]}{who}\n\n")
        if part.reasoning:
            self._write(f"Reasoning:\n\n{fenced(part.reasoning)}")
        if part.text:
            self._write(fenced(part.text, "markdown" if part.author is Author.AGENT else "text"))
        if part.interrupted:
            self._write(f"*Cut short: {code(part.interrupted)}*\n\n")

    def _output(self, part: Output) -> None:
        if self._open != part.call_id:
            self._close()
            self._open, self._fence = part.call_id, _FENCE
            self._write(f"{'`' * self._fence}text\n")
        for line in part.lines:
            text = line.text.rstrip()
            closing = _CLOSES.match(text)
            if closing is not None and len(closing[1]) >= self._fence:
                self._write("`" * self._fence + "\n\n")
                self._fence = len(closing[1]) + 1
                self._write("`" * self._fence + "text\n")
            self._write(text + "\n")

    def _close(self) -> None:
        if self._open is not None:
            self._write("`" * self._fence + "\n\n")
            self._open = None


def fenced(text: str, language: str = "text") -> str:
    """Foreign text as a block of code."""
    shown = safe(text, lines=True)
    longest = max((len(found) for found in _BACKTICKS.findall(shown)), default=0)
    fence = "`" * max(_FENCE, longest + 1)
    return f"{fence}{language}\n{shown}{'' if shown.endswith(chr(10)) else chr(10)}{fence}\n\n"


def code(text: str) -> str:
    """Foreign text as code within a line."""
    shown = safe(text).strip() or " "
    longest = max((len(found) for found in _BACKTICKS.findall(shown)), default=0)
    if not longest:
        return f"`{shown}`"
    marks = "`" * (longest + 1)
    return f"{marks} {shown} {marks}"
