"""What a request says, as the sandbox needs it. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stigmer_runner.sandbox.model import CommandRequest, ExecutionRequest, ShellState


def words(command: str | Sequence[str]) -> Sequence[str]:
    """A command's words; a line for the shell is one."""
    return [command] if isinstance(command, str) else command


def resolved(state: ShellState, named: Path, real: Path) -> ShellState:
    """`state` with a directory in the workspace as it is named inside, where links that lead to it are not there."""
    directory = Path(state.directory)
    if not directory.is_relative_to(named):
        return state
    return replace(state, directory=str(real / directory.relative_to(named)))


def program_of(request: CommandRequest | ExecutionRequest) -> Path | None:
    """The program of a request that names one by its place, and no shell."""
    if isinstance(request, CommandRequest):
        return None
    if request.program is not None or isinstance(request.command, str) or not request.command:
        return request.program
    program = Path(request.command[0])
    return program if program.is_absolute() else None
