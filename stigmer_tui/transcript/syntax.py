"""Colours of a programming language, a line at a time: pieces of the line with the names of their styles.

Only languages of a short list, and only lines of ordinary length: a lexer is made of regular expressions, and the text is anybody's.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from operator import attrgetter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST_LINE = 400
"""Characters of a line beyond which it has no colours."""
_LANGUAGES = {
    ".py": "python",
    ".pyi": "python",
    ".js": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".tsx": "typescript",
    ".go": "go",
    ".rs": "rust",
    ".c": "c",
    ".h": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".hpp": "cpp",
    ".java": "java",
    ".rb": "ruby",
    ".sh": "bash",
    ".bash": "bash",
    ".json": "json",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".html": "html",
    ".css": "css",
    ".sql": "sql",
    ".proto": "protobuf",
}
_NAMES = {
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "jsx": "javascript",
    "ts": "typescript",
    "tsx": "typescript",
    "golang": "go",
    "rs": "rust",
    "c++": "cpp",
    "rb": "ruby",
    "sh": "bash",
    "shell": "bash",
    "zsh": "bash",
    "console": "bash",
    "yml": "yaml",
    "proto": "protobuf",
}
"""What languages are called too."""
Piece = tuple[str, str]
"""Text, and the name of its style."""
Painter = Callable[[str], list[Piece]]


def painter_of(path: str) -> Painter | None:
    """What paints lines of this file; None where its language is not known."""
    language = _LANGUAGES.get(PurePosixPath(path).suffix.lower())
    return None if language is None else _painter(language)


def painter_named(language: str) -> Painter | None:
    """What paints lines of a language, by a name that people use for it; None where it is not known."""
    name = _NAMES.get(language.lower(), language.lower())
    return _painter(name) if name in _LANGUAGES.values() else None


@cache
def _painter(language: str) -> Painter:
    """Loads the lexer: that takes a moment, once."""
    make: Callable[..., Lexer] = attrgetter("get_lexer_by_name")(import_module("pygments.lexers"))
    lexer = make(language, stripnl=False, ensurenl=False)

    @cache_lines
    def paint(line: str) -> list[Piece]:
        return _painted(lexer, line)

    return paint


def cache_lines(paint: Painter) -> Painter:
    """Remember the last lines: a diff is laid out again when the screen's width changes."""
    known: dict[str, list[Piece]] = {}

    def remembered(line: str) -> list[Piece]:
        if line not in known:
            if len(known) > 4096:
                known.clear()
            known[line] = paint(line)
        return known[line]

    return remembered


def _painted(lexer: "Lexer", line: str) -> list[Piece]:
    if len(line) > LONGEST_LINE:
        return [(line, "")]
    pieces: list[Piece] = []
    for kind, text in lexer.get_tokens(line):
        style = _style(str(kind))
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + text, style)
        elif text:
            pieces.append((text, style))
    return pieces if "".join(text for text, _ in pieces) == line else [(line, "")]


_STYLES = (
    ("Token.Comment", "comment"),
    ("Token.Keyword", "keyword"),
    ("Token.Operator.Word", "keyword"),
    ("Token.Literal.String", "string"),
    ("Token.Literal.Number", "number"),
    ("Token.Name.Function", "name"),
    ("Token.Name.Class", "name"),
    ("Token.Name.Decorator", "name"),
    ("Token.Name.Tag", "name"),
    ("Token.Name.Builtin", "name"),
)


@cache
def _style(kind: str) -> str:
    return next((style for prefix, style in _STYLES if kind.startswith(prefix)), "")
