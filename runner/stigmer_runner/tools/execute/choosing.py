"""Which kind of place runs the plain commands of a session."""

import contextlib
import enum
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx2

from stigmer_runner.sandbox import SpawnFailed
from stigmer_runner.tools.execute.container import ContainerExecutor, ContainerPlace
from stigmer_runner.tools.execute.daytona import DaytonaAccount, DaytonaClient, DaytonaExecutor, DaytonaPlace
from stigmer_runner.tools.execute.engine import NoContainerEngine, find_engine
from stigmer_runner.tools.session import SessionPlace
from stigmer_runner.tools.shell.executing import Executes, SandboxExecutor


class ExecutorKind(enum.Enum):
    """Where plain commands run."""

    SANDBOX = "sandbox"
    """In the sandbox of the session, whatever it is made of: bubblewrap, Landlock, or no walls."""
    CONTAINER = "container"
    """In a container of Docker or Podman on this machine."""
    DAYTONA = "daytona"
    """In a sandbox of Daytona."""


@dataclass(frozen=True)
class Wanted:
    """What somebody asked for."""

    kind: ExecutorKind = ExecutorKind.SANDBOX
    image: str = ""
    """Its name; for containers."""
    pull: bool = True
    """Whether an image that is not here is fetched."""
    daytona: DaytonaAccount | None = None
    """For Daytona."""
    daytona_directory: str = "/home/daytona"
    network: bool = False


@contextlib.asynccontextmanager
async def executor(wanted: Wanted, place: SessionPlace) -> AsyncGenerator[Executes]:
    """What was asked for, for the session in `place`. Raises `SpawnFailed` where it cannot be had, never another kind instead."""
    name = f"stigmer-{place.execution_id}"[-100:].lstrip("-_.")
    match wanted.kind:
        case ExecutorKind.SANDBOX:
            yield SandboxExecutor(place, network=wanted.network)
        case ExecutorKind.CONTAINER:
            if not wanted.image:
                raise SpawnFailed("no image is named for containers: give `Wanted` an `image`")
            try:
                engine = await find_engine()
            except NoContainerEngine as error:
                raise SpawnFailed(str(error)) from error
            where = ContainerPlace(
                wanted.image,
                place.workspace.resolve(),
                name,
                f"{place.marker_prefix}{place.execution_id}:",
                place.environment,
                wanted.network,
                place.limits,
                place.shown,
                wanted.pull,
            )
            yield ContainerExecutor(engine, where)
        case ExecutorKind.DAYTONA:
            if wanted.daytona is None or not wanted.daytona.key:
                raise SpawnFailed("there is no key for Daytona: give `Wanted` an account with one")
            async with httpx2.AsyncClient() as http:
                client = DaytonaClient(wanted.daytona, http)
                async with client.sandbox() as sandbox_id:
                    there = DaytonaPlace(sandbox_id, wanted.daytona_directory, place.environment)
                    yield DaytonaExecutor(client, there, name)
