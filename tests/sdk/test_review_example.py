"""The example of a review: as its page says, over a real repository, with a scripted model."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.loop.stage import Stage, on_stage, opened

ROOT = Path(__file__).parents[2]
IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def git(directory: Path, *words: str) -> None:
    """Run git in a repository."""
    subprocess.run(["git", "-C", str(directory), *IDENTITY, *words], check=True, capture_output=True)


def changed_repository(directory: Path) -> None:
    """A repository with a branch that changes a line."""
    git(directory, "init", "-b", "main")
    (directory / "retry.py").write_text("retries = 3\n")
    git(directory, "add", ".")
    git(directory, "commit", "-m", "Begin")
    git(directory, "switch", "-c", "more")
    (directory / "retry.py").write_text("retries = 30\n")
    git(directory, "commit", "-am", "Retry more")


async def reviewed(stage: Stage, *words: str) -> tuple[int, str, str]:
    """Run the example: its exit code, output and errors."""
    environment = {**stage.workstation.environ(), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, str(ROOT / "examples/review/review.py"), *words, str(stage.directory)]
    done = await asyncio.to_thread(
        lambda: subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=100)
    )
    return done.returncode, done.stdout, done.stderr


FINDING = "retry.py:1: 30 are too many."


@pytest.mark.parametrize(("verdict", "code"), [("approve", 0), ("request changes", 1)])
async def test_a_branch_is_reviewed(verdict: str, code: int) -> None:
    with opened(STIGMER_LLM_MODEL="scripted") as workstation:
        workstation.run("apply", "-f", str(ROOT / "examples/review/reviewer.yaml"))
        async with on_stage(workstation) as stage:
            changed_repository(stage.directory)
            turns: Sequence[Turn] = (
                Turn(
                    "I read the file.",
                    calls=(
                        ScriptedCall("read", {"path": "retry.py"}),
                        ScriptedCall("shell", {"command": "touch harm"}),
                    ),
                ),
                Turn(f"{FINDING}\nVERDICT: {verdict}"),
            )
            async with stage.playing(Script.of(*turns)):
                found, said, errors = await reviewed(stage)
            assert (found, errors) == (code, "")
            assert FINDING in said
            assert said.rstrip().endswith(f"VERDICT: {verdict}")
            assert not (stage.directory / "harm").exists(), "a reviewer runs nothing"
            asked = str(stage.provider.requests[-1].body)
            assert "+retries = 30" in asked


async def test_what_cannot_be_reviewed_is_said() -> None:
    with opened(STIGMER_LLM_MODEL="scripted") as workstation:
        async with on_stage(workstation) as stage:
            assert (await reviewed(stage))[0] == 2
            changed_repository(stage.directory)
            code, _, errors = await reviewed(stage)
            assert code == 2
            assert "no agent named 'pull-request-reviewer'" in errors
            assert await reviewed(stage, "--base", "more") == (0, "nothing is changed\n", "")
