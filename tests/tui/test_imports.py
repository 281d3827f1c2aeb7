"""What the workstation loads, and what it must not."""

import subprocess
import sys

import pytest

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
