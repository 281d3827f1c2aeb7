"""The examples of docs/sdk.md do what they say."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis.home import Home
from tests.support.scripted_backend import ScriptedBackend, line_events

PAGE = Path(__file__).parents[2] / "docs" / "sdk.md"
EXAMPLES = re.findall(r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_every_example_is_run() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```python") == 7


@pytest.mark.parametrize(("program", "printed"), EXAMPLES)
async def test_an_example_prints_what_the_page_says(home: Home, program: str, printed: str) -> None:
    async with ScriptedBackend(home) as backend:

        async def run(execution_id: str) -> None:
            """`cat` waits for its terminal; other lines print the answer and end."""
            line = backend.get(execution_id).resource.spec.message
            backend.move(execution_id, ExecutionPhase.EXECUTION_IN_PROGRESS)
            if line == "cat":
                backend.emit(execution_id, *line_events(line, finished=False))
                return
            backend.emit(execution_id, *line_events(line, output=b"42\r\n"))
            backend.move(execution_id, ExecutionPhase.EXECUTION_COMPLETED)

        backend.on_create = run
        environ = {"PATH": os.environ["PATH"], "STIGMER_HOME": str(home.root), "HOME": str(home.root)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environ
        )
        try:
            async with asyncio.timeout(60):
                output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert (output.decode().replace("\r\n", "\n"), errors.decode()) == (printed, "")
