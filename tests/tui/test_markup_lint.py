"""Markup stays off: text of others must never be able to style, link or act. Looked for in the sources, so that nobody turns it on by habit."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import stigmer_tui

ROOT = Path(stigmer_tui.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
PARSES_MARKUP = frozenset(
    {
        *("Static", "Label", "Button", "Checkbox", "RadioButton", "Markdown", "MarkdownViewer", "RichLog", "Log"),
        *(
            "DataTable",
            "Tree",
            "DirectoryTree",
            "OptionList",
            "SelectionList",
            "Select",
            "ListView",
            "Tabs",
            "Tab",
            "TabbedContent",
        ),
        *("Collapsible", "Digits", "Placeholder", "Header", "Footer", "Link", "Pretty", "Rule", "Sparkline", "Welcome"),
    }
)
"""Widgets of Textual that read markup in plain text, or draw what they are given without our rows: none of them is used."""
FORBIDDEN_CALLS = frozenset({"from_markup", "render_markup", "notify"})
"""`notify` parses markup by default and covers what is beneath: `Notice` says things."""
FORBIDDEN_ATTRIBUTES = frozenset({"border_title", "border_subtitle", "tooltip", "loading"})


def complaints(tree: ast.AST) -> Iterator[str]:
    """What is wrong in a module."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in FORBIDDEN_CALLS:
                yield f"line {node.lineno}: {name}()"
            case ast.Call(func=ast.Name(id=name)) if name in PARSES_MARKUP:
                yield f"line {node.lineno}: {name}"
            case ast.keyword(arg="markup", value=ast.Constant(value=True)):
                yield f"line {node.value.lineno}: markup=True"
            case ast.ImportFrom(module="textual.widgets", names=names):
                yield from (f"line {node.lineno}: {name.name}" for name in names if name.name in PARSES_MARKUP)
            case ast.Assign(targets=[ast.Attribute(attr=name)]) if name in FORBIDDEN_ATTRIBUTES:
                yield f"line {node.lineno}: {name}"
            case ast.FunctionDef(name="render" | "render_str"):
                yield f"line {node.lineno}: {node.name}(): draw rows by render_line, of segments"
            case _:
                continue


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_markup(path: Path) -> None:
    """Neither turned on nor left on."""
    assert list(complaints(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "line",
    [
        "Static('x')",
        "app.notify(text)",
        "Content.from_markup(x)",
        "Label(text, markup=True)",
        "self.border_title = name",
        "def render(self): return 'x'",
    ],
)
def test_the_lint_finds_what_it_looks_for(line: str) -> None:
    """Each way that it knows of."""
    assert list(complaints(ast.parse(line)))
