"""What the workstation loads, and what it must not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import stigmer_tui

FORBIDDEN = (
    "temporalio",
    "pydantic_ai",
    "anthropic",
    "openai",
    "mcp",
    "acp",
    "ZODB",
    "BTrees",
    "persistent",
    "transaction",
    "pexpect",
    "ptyprocess",
    "pty",
)
"""Engines, models, databases, and whatever forks a terminal."""


def loaded(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after the statement."""
    program = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "stigmer_tui",
        "stigmer_tui.app",
        "stigmer_tui.cli.root",
        "stigmer_tui.cli.acp",
        "stigmer_tui.screens.run",
        "stigmer_tui.terminal.attach",
    ],
)
def test_the_workstation_loads_no_engine_no_model_no_database(module: str) -> None:
    """At run time, whatever import-linter says."""
    assert not loaded(f"import {module}") & set(FORBIDDEN)


def test_attaching_needs_no_screen() -> None:
    """`stigmer attach` starts without Textual."""
    assert "textual" not in loaded("import stigmer_tui.terminal.attach")


def test_the_package_itself_is_light() -> None:
    """Importing it for a version or a help text costs nothing."""
    assert not loaded("import stigmer_tui") & {"textual", "rich", "grpc", "google", "click"}


def test_workers_are_given_functions() -> None:
    """Not coroutines: a worker that is cancelled before it begins, as its place is left at once, would never await one."""
    given = [
        f"{path.name}:{node.lineno}"
        for path in Path(stigmer_tui.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "run_worker"
        and node.args
        and isinstance(node.args[0], ast.Call)
        and ast.unparse(node.args[0].func) != "partial"
    ]
    assert given == []
