"""`stigmer demo`, as somebody without a key tries it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from stigmer_runner.models.scripted.reading import read_script
from stigmer_runner.tools.registry import ALL
from stigmer_tui.demo.stage import script_of
from tests.support.require import require_tool

pytestmark = pytest.mark.timeout(240)


def demo(directory: Path, *options: str, mode: str = "auto") -> subprocess.CompletedProcess[str]:
    """The command without a terminal; its own directories go below `directory`."""
    environment = {**os.environ, "TMPDIR": str(directory), "STIGMER_EXECUTION_MODE": mode}
    return subprocess.run(
        [sys.executable, "-m", "stigmer_tui", "demo", *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize("mode", ["auto", "local"])
def test_it_mends_the_project_and_leaves_nothing_behind(short_tmp: Path, mode: str) -> None:
    """`local` stands for all machines where walls are weaker than bubblewrap's: there a policy asks, and nobody would answer."""
    if mode == "auto":
        require_tool("bwrap")
    project = short_tmp / "kept"
    done = demo(short_tmp, "--auto", "--speed", "100", "--keep", str(project), mode=mode)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("I look at the project first")
    assert "This was a demonstration" in done.stdout
    assert "a script answers in place of a model" in done.stderr
    tests = subprocess.run([sys.executable, "-m", "unittest"], cwd=project, capture_output=True, text=True, check=False)
    assert tests.returncode == 0, tests.stderr
    assert "Ran 3 tests" in tests.stderr
    assert list(short_tmp.iterdir()) == [project]
    assert [one for one in _command_lines() if str(short_tmp) in one] == []


def test_without_a_terminal_nobody_can_be_asked(short_tmp: Path) -> None:
    done = demo(short_tmp)
    assert done.returncode == 64
    assert "--auto" in done.stderr
    assert list(short_tmp.iterdir()) == []


def _command_lines() -> list[str]:
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def test_every_call_of_the_script_is_one_that_the_tools_take(tmp_path: Path) -> None:
    script = read_script(script_of(tmp_path, ask=True, speed=1.0))
    tools = {tool.spec.name: tool for tool in ALL}
    calls = [call for conversation in script.conversations for turn in conversation.turns for call in turn.calls]
    assert {call.name for call in calls} >= {
        "shell",
        "edit",
        "todos",
        "ask_person",
        "read",
        "list",
        "delegate",
        "keep_file",
    }
    for call in calls:
        assert not isinstance(call.args, str)
        if call.name == "delegate":
            assert call.args.keys() == {"agent", "task"}, "the loop's own, where an agent has sub-agents"
        else:
            tools[call.name].check(call.args)
