"""A program that is named by its place runs wherever it lies; nothing else of that place is shown."""

import venv
from pathlib import Path

from stigmer_runner.sandbox import ExecutionRequest, Sandbox
from tests.sandbox.driver import marker
from tests.sandbox.ground import Ground


def script(path: Path, text: str) -> Path:
    """A program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


async def test_a_program_outside_of_every_search_path_runs(walled: Sandbox, ground: Ground) -> None:
    program = script(ground.outside / "tools" / "hello", '#!/bin/sh\necho hello "$1"\n')
    letter = ground.outside / "letter"
    letter.write_text("private")
    workspace = ground.workspace()
    told = await walled.execute(ExecutionRequest((str(program), "you"), workspace, marker()))
    assert told.stdout == b"hello you\n", told.stderr
    line = f"cat {letter} {program} 2>/dev/null; true"
    told = await walled.execute(ExecutionRequest(line, workspace, marker()))
    assert told.stdout == b""


async def test_a_virtual_environment_is_shown_with_its_program(walled: Sandbox, ground: Ground) -> None:
    place = ground.outside / "env"
    venv.create(place, symlinks=True, with_pip=False)
    packages = next((place / "lib").glob("python*/site-packages"))
    (packages / "greeting.py").write_text("WORDS = 'from its package'\n")
    request = ExecutionRequest(
        (str(place / "bin" / "python"), "-c", "import greeting; print(greeting.WORDS)"), ground.workspace(), marker()
    )
    told = await walled.execute(request)
    assert told.stdout == b"from its package\n", told.stderr


async def test_the_program_cannot_change_itself(walled: Sandbox, ground: Ground) -> None:
    program = script(ground.outside / "tools" / "greedy", '#!/bin/sh\necho more >> "$0" || echo refused\n')
    before = program.read_text()
    told = await walled.execute(ExecutionRequest((str(program),), ground.workspace(), marker()))
    assert told.stdout == b"refused\n"
    assert program.read_text() == before
