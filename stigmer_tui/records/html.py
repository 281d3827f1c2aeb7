"""A run as one page of HTML: no script, no link, nothing loaded from anywhere. Everything that the run said is escaped.

A Content-Security-Policy in the page forbids scripts and loading besides, should anything slip through.
"""

from collections.abc import Callable
from functools import lru_cache
from html import escape

from rich.color import Color

from stigmer_tui.records.parts import Author, Begun, CallBegun, CallEnded, Changed, Ended, Noted, Output, Part, Said
from stigmer_tui.terminal.line_cells import DrawnLine
from stigmer_tui.terminal.pen import PLAIN, Pen
from stigmer_tui.text import safe
from stigmer_tui.text.times import exact

_NAMED = 16
"""Colours of the palette that have a class; the page says what they look like."""
_PALETTE = [
    "#4c566a",
    "#bf616a",
    "#7ea35f",
    "#b58900",
    "#5e81ac",
    "#a06a9c",
    "#3f9ea3",
    "#d8dee9",
    "#7b88a1",
    "#d0757d",
    "#95bd78",
    "#d8a832",
    "#81a1c1",
    "#b48ead",
    "#6fc1c6",
    "#eceff4",
]
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: .7rem 1rem; border-radius: 6px; font: 13px/1.45 ui-monospace, monospace; margin: .4rem 0; }
pre, code { background: color-mix(in srgb, currentColor 7%, transparent); }
pre.terminal { background: #20242c; color: #e5e9f0; margin: 0; border-radius: 0; padding: 0 1rem; }
code { padding: 0 .25em; border-radius: 3px; overflow-wrap: anywhere; }
section { margin: 1.2rem 0; border-left: 3px solid color-mix(in srgb, currentColor 20%, transparent); padding-left: 1rem; }
section.person { border-color: #5e81ac; } section.agent { border-color: #7ea35f; } section.call { border-color: #b58900; }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 0; } .quiet { opacity: .65; font-size: .85rem; }
.b { font-weight: bold; } .d { opacity: .6; } .i { font-style: italic; } .u { text-decoration: underline; } .s { text-decoration: line-through; }
"""
_WORDS = {Author.PERSON: "Person", Author.AGENT: "Agent", Author.OTHER: "Note"}


class HtmlWriter:
    """Writes parts out, one after the other."""

    def __init__(self, write: Callable[[str], object], title: str) -> None:
        """`write` is given text. `title` is foreign text."""
        self._write = write
        self._open: str | None = None
        """Whose output stands in the block that is open."""
        write(head(title))

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
                self._write(f'<section class="call"><h2>{code(part.tool or "tool")}{_who(part.sub_agent)}</h2>')
                self._write(pre(part.summary))
                where = f"in {code(part.directory)}, " if part.directory else ""
                self._write(f'<p class="quiet">{where}{exact(part.micros)}</p></section>\n')
            case CallEnded():
                texts = "".join(pre(text) for text in (part.result, part.error) if text)
                self._write(
                    f'<section class="call">{texts}<p class="quiet">{code(part.tool or "tool")}: {plain(part.outcome)}</p></section>\n'
                )
            case Changed():
                counts = f"{part.what}, +{part.added} -{part.removed}"
                self._write(f"<section><h2>{code(part.path)} {counts}</h2>{pre(part.diff) if part.diff else ''}")
                self._write("</section>\n")
            case Noted():
                self._write(f'<section class="quiet">{pre(part.text)}</section>\n')
            case Ended():
                reason = pre(part.reason) if part.reason else ""
                self._write(f"<section><h2>The run {part.phase}, {exact(part.micros)}</h2>{reason}</section>\n")

    def finish(self) -> None:
        """The end of the page."""
        self._close()
        self._write("</body></html>\n")

    def _begun(self, part: Begun) -> None:
        rows = (
            ("Agent", part.agent),
            ("Session", part.session_id),
            ("Workspace", part.workspace),
            ("By", part.author),
            ("At", exact(part.micros)),
        )
        self._write("<p>" + "<br>\n".join(f"{name}: {code(value)}" for name, value in rows if value) + "</p>\n")

    def _said(self, part: Said) -> None:
        self._write(f'<section class="{part.author.value}"><h2>{_WORDS[part.author]}{_who(part.sub_agent)}</h2>')
        if part.reasoning:
            self._write(f'<details class="quiet"><summary>Reasoning</summary>{pre(part.reasoning)}</details>')
        if part.text:
            self._write(pre(part.text))
        if part.interrupted:
            self._write(f'<p class="quiet">Cut short: {plain(part.interrupted)}</p>')
        self._write("</section>\n")

    def _output(self, part: Output) -> None:
        if self._open != part.call_id:
            self._close()
            self._open = part.call_id
            self._write('<pre class="terminal">\n')
        for line in part.lines:
            self._write(_line(line) + "\n")

    def _close(self) -> None:
        if self._open is not None:
            self._write("</pre>\n")
            self._open = None


def _line(line: DrawnLine) -> str:
    return "".join(
        escape(run.text) if run.pen is PLAIN else f"<span{_attributes(run.pen)}>{escape(run.text)}</span>"
        for run in line.runs
    )


@lru_cache(maxsize=4096)
def _attributes(pen: Pen) -> str:
    """Classes and styles of a span, made of numbers alone."""
    front, back = (pen.background, pen.color) if pen.reverse else (pen.color, pen.background)
    if pen.reverse:
        front, back = ("#20242c" if front is None else front), ("#e5e9f0" if back is None else back)
    flags = (pen.bold, "b"), (pen.dim, "d"), (pen.italic, "i"), (pen.underline, "u"), (pen.strike, "s")
    classes = [name for wanted, name in flags if wanted]
    styles: list[str] = []
    for colour, letter, name in ((front, "c", "color"), (back, "k", "background")):
        if isinstance(colour, int) and colour < _NAMED:
            classes.append(f"{letter}{colour}")
        elif colour is not None:
            triplet = (Color.from_ansi(colour) if isinstance(colour, int) else Color.parse(colour)).get_truecolor()
            styles.append(f"{name}:{triplet.hex}")
    return (f' class="{" ".join(classes)}"' if classes else "") + (f' style="{";".join(styles)}"' if styles else "")


def head(title: str) -> str:
    """The beginning of a page, with its heading. `title` is foreign text."""
    colours = "".join(
        f".c{number}{{color:{colour}}}.k{number}{{background:{colour}}}" for number, colour in enumerate(_PALETTE)
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{plain(title)}</title>\n<style>{_STYLE}{colours}</style></head><body>\n<h1>{plain(title)}</h1>\n"
    )


def plain(text: str) -> str:
    """Foreign text on one line."""
    return escape(safe(text))


def code(text: str) -> str:
    """The same, as code."""
    return f"<code>{plain(text)}</code>"


def pre(text: str) -> str:
    """Foreign text of several lines, as it stands."""
    return f"<pre>\n{escape(safe(text, lines=True))}</pre>"


def _who(sub_agent: str) -> str:
    return f" (sub-agent {code(sub_agent)})" if sub_agent else ""
