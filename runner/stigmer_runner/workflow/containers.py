"""`run: container`: a container of Podman or Docker for one task, gone when it ends."""

import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network
from stigmer_runner.sandbox import SpawnFailed
from stigmer_runner.tools.execute.container import ContainerExecutor, ContainerPlace
from stigmer_runner.tools.execute.engine import Engine, NoContainerEngine, find_engine
from stigmer_runner.tools.session import DEFAULT_LIMITS
from stigmer_runner.workflow.activities import LARGEST_RESULT, Asked
from stigmer_runner.workflow.commands import ProcessWanted, words_of
from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.processes import Ended, ProcessPlace, Showing, marker_of

_NOT_STARTED = 125
"""The exit code of an engine that could not start a container, which what runs in it may have too."""


class TaskContainer(ContainerExecutor):
    """Runs what an image runs by itself, or a line in its shell; the standard input is the task's."""

    def __init__(self, engine: Engine, place: ContainerPlace, wanted: ProcessWanted, arguments: list[str]) -> None:
        """`arguments`: of what the image runs by itself."""
        own = {name: value for name, value in place.environment.items() if name not in engine.environment}
        super().__init__(replace(engine, environment={**engine.environment, **own}), place, LARGEST_RESULT)
        # By name alone, so that no other process sees values; but for what would be a setting of the engine itself.
        told = [
            f"--env={name}" if name in own else f"--env={name}={value}" for name, value in place.environment.items()
        ]
        self._variables = told
        self._wanted = wanted
        self._words = ["sh", "-c", wanted.line] if wanted.line else arguments

    def _arguments(self, name: str) -> list[str]:
        *options, image, _shell, _option, _program = super()._arguments(name)
        return [*options, *self._variables, image, *self._words]

    def _program(self, command: str) -> bytes:
        return self._wanted.stdin


class Containers:
    """Runs them. `shown`: directories that each container sees, read-only, beside the workspace."""

    def __init__(self, find: Callable[[], Awaitable[Engine]] = find_engine, shown: tuple[Path, ...] = ()) -> None:
        self._find = find
        self._shown = shown

    async def run(self, place: ProcessPlace, asked: Asked, wanted: ProcessWanted, showing: Showing) -> Ended:
        """See `processes.Run`."""
        arguments = asked.arguments
        _check(place, arguments)
        try:
            engine = await self._find()
        except NoContainerEngine as error:
            raise SpawnFailed(str(error)) from error
        where = ContainerPlace(
            asked.text("image"),
            place.workspace.resolve(),
            f"stigmer-{place.execution_id}"[-80:].lstrip("-_."),
            marker_of(place, asked)[:120] + ":",
            {**place.environment, **wanted.environment},
            place.policy.network.mode == Network.MODE_OPEN,
            DEFAULT_LIMITS,
            self._shown,
            arguments.get("pullPolicy") != "never",
        )
        words = words_of(arguments.get("arguments"))
        result = await TaskContainer(engine, where, wanted, words).execute(shlex.join(words))
        refused = [line for line in result.stderr.splitlines() if line.startswith(("Error", "docker: Error"))]
        if result.exit_code == _NOT_STARTED and refused and not result.stdout:
            raise SpawnFailed(f"{engine.name} could not start a container of {where.image}: {refused[-1][:1000]}")
        showing.output(result.stdout.encode())
        showing.output(result.stderr.encode())
        return Ended(result.exit_code, result.stdout, result.stderr, result.remark, result.timed_out)


def _check(place: ProcessPlace, arguments: Mapping[str, object]) -> None:
    """Raises `TaskProblem` for what a container of a run cannot have."""
    if place.policy.network.mode == Network.MODE_HOSTS:
        raise TaskProblem(
            Kind.AUTHORIZATION, "a container reaches all of the network, or nothing", "open the network, or close it"
        )
    for key, remedy in (
        ("ports", "a container of a task serves nobody outside of it"),
        ("volumes", "the workspace is there under its own name"),
    ):
        if arguments.get(key):
            raise TaskProblem(Kind.CONFIGURATION, f"`{key}` of a container is not supported", remedy)
    lifetime = arguments.get("lifetime")
    if isinstance(lifetime, dict) and cast("dict[str, object]", lifetime).get("cleanup") not in (None, "always"):
        raise TaskProblem(
            Kind.CONFIGURATION,
            "a container is removed once its task has ended",
            "write `cleanup: always`, or leave it out",
        )
