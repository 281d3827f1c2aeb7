"""The shell of a session: what a person attaches to where no command of the session runs.

It is a run of the built-in agent `shell` in the session, whose one line is an interactive shell: in the session's sandbox, where the last line left
off, listed among the session's runs, recorded as they are. It goes on while nobody is attached, until somebody leaves it or cancels it.
"""

import asyncio
from contextlib import aclosing

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis.client import Client, TailBatch, client_environment
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.protocol import SESSION_SHELL
from stigmer_tui.terminal.attach import AttachResult, attach_here
from stigmer_tui.terminal.raw_terminal import terminal_size

STARTING_SECONDS = 60.0
"""How long a shell may take to start: its runner may have to be started first."""

_LIVING = (ExecutionPhase.EXECUTION_PENDING, ExecutionPhase.EXECUTION_IN_PROGRESS)


async def attach_to_session(client: Client, session_id: str, *, stdin: int = 0, stdout: int = 1) -> AttachResult:
    """Attach this terminal to what runs in a session, the newest first; where nothing does, to a shell of the session, started for it.

    Raises `NotFound` for no such session, `FailedPrecondition` where a shell cannot be started, with the reason.
    """
    session = await client.get_session(session_id)
    session_id = session.metadata.id
    running = await client.list_executions(ExecutionFilter(session_id=session_id, phases=_LIVING))
    for execution in running.executions:
        try:
            return await attach_here(client, execution.execution_id, stdin=stdin, stdout=stdout)
        except FailedPrecondition:
            continue
    return await attach_here(
        client, await start_session_shell(client, session_id, terminal_size(stdout)), stdin=stdin, stdout=stdout
    )


async def living_shell(client: Client, session_id: str) -> str:
    """The id of the newest shell of a session that was started for a person and goes on; empty where there is none."""
    running = await client.list_executions(ExecutionFilter(session_id=session_id, phases=_LIVING))
    shells = (
        row.execution_id for row in running.executions if row.agent_name == "shell" and row.subject == SESSION_SHELL
    )
    return next(shells, "")


async def start_session_shell(client: Client, session_id: str, size: tuple[int, int]) -> str:
    """Start a shell in a session and return the id of its run once it can be attached to. `size`: columns and rows of its terminal.

    Raises `NotFound` for no such session, `FailedPrecondition` where it cannot be started, with the reason.
    """
    columns, rows = size
    execution = await client.run(
        "shell",
        SESSION_SHELL,
        session_id=session_id,
        client_environment=client_environment(columns=columns, rows=rows),
    )
    execution_id = execution.metadata.id
    try:
        async with asyncio.timeout(STARTING_SECONDS), aclosing(client.tail(execution_id)) as items:
            async for item in items:
                if isinstance(item, TailBatch) and any(_runs(event) for event in item.events):
                    return execution_id
    except TimeoutError as error:
        raise FailedPrecondition(
            f"the shell of the session did not start within {STARTING_SECONDS:g} seconds",
            remedy=f"look why: stigmer logs {execution_id}; stigmer server status",
        ) from error
    raise FailedPrecondition("the shell of the session ended at once", remedy=f"look why: stigmer logs {execution_id}")


def _runs(event: Event) -> bool:
    """Whether the terminal is there. Raises `FailedPrecondition` where it will never be."""
    match event.WhichOneof("body"):
        case "terminal_output":
            return True  # its prompt
        case "tool_call_finished" if event.tool_call_finished.error:
            raise FailedPrecondition(
                f"the shell of the session could not be started: {event.tool_call_finished.error}",
                remedy="mend that, and attach again",
            )
        case _:
            return False
