"""HTML as text, as a process of its own: pages are written by anybody."""

import re
from html.parser import HTMLParser
from typing import cast

from stigmer_runner.tools.child import serve

MOST_CHARACTERS = 400_000
_SILENT = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "object", "canvas"})
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "header",
        "footer",
        "nav",
        "main",
        "ul",
        "ol",
        "table",
        "tr",
        "br",
        "hr",
        "pre",
        "blockquote",
        "dl",
        "dt",
        "dd",
        "form",
        "figure",
        "aside",
        "details",
        "summary",
    ]
)
_HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### ", "h4": "#### ", "h5": "##### ", "h6": "###### "}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.pieces: list[str] = []
        self._silent = 0
        self._in_title = False
        self._pre = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = True
        elif tag in _SILENT:
            self._silent += 1
        elif tag in _HEADINGS:
            self.pieces.append(f"\n\n{_HEADINGS[tag]}")
        elif tag == "li":
            self.pieces.append("\n- ")
        elif tag in ("td", "th"):
            self.pieces.append(" | ")
        elif tag == "a":
            self._links.append(next((value or "" for name, value in attrs if name == "href"), ""))
        elif tag == "img":
            alternative = next((value or "" for name, value in attrs if name == "alt"), "")
            self.pieces.append(f"[picture: {alternative}]" if alternative else "")
        if tag == "pre":
            self._pre += 1
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._links:
            target = self._links.pop()
            if target.startswith(("http://", "https://", "/")) and not self._silent:
                self.pieces.append(f" ({target})")
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        if tag in _BLOCKS or tag in _HEADINGS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._silent:
            self.pieces.append(data if self._pre else re.sub(r"\s+", " ", data))


def read_page(question: dict[str, object]) -> dict[str, object]:
    """`{"html"}` to `{"title", "text", "left"}`: `left` characters were left out."""
    reader = _Reader()
    reader.feed(cast(str, question["html"]))
    reader.close()
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(reader.pieces))
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return {
        "title": " ".join(reader.title.split())[:500],
        "text": text[:MOST_CHARACTERS],
        "left": max(0, len(text) - MOST_CHARACTERS),
    }


if __name__ == "__main__":
    serve(read_page)
