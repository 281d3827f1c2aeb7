"""The two streams: requests come by standard input, and nothing but the protocol leaves by standard output."""

import asyncio
import fcntl
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from acp import run_agent

from stigmer_apis.client import Client
from stigmer_apis.config import load
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.home import Home
from stigmer_apis.logs import set_up_logging
from stigmer_tui.acp.agent import StigmerAgent

LOG_NAME = "acp.log"
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one message of the editor's: a prompt with its images."""
_IN, _OUT, _ERROR = 0, 1, 2


def check_streams() -> None:
    """Raises `InvalidArgument` where no editor is at the other end."""
    if os.isatty(_IN) or os.isatty(_OUT):
        raise InvalidArgument(
            "`stigmer acp` speaks with an editor, not with a person: its streams are a terminal",
            remedy="name it in the editor's settings as the command of an agent; see docs/acp.md",
        )


async def serve(client: Client, agent_name: str) -> None:
    """Serve the editor until it closes our standard input. Raises `NotFound` where there is no such agent."""
    await client.get_agent(agent_name)
    with _protocol_alone(client.home) as output:
        reader, writer = await _streams(output)
        agent = StigmerAgent(client, agent_name)
        try:
            await run_agent(agent, writer, reader)
        finally:
            await agent.close()


@contextmanager
def _protocol_alone(home: Home) -> Generator[int]:
    """The descriptor for the protocol. What anything else writes, to standard output or error, goes to the log."""
    log = home.logs / LOG_NAME
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    sys.stdout.flush()
    output = fcntl.fcntl(_OUT, fcntl.F_DUPFD_CLOEXEC, 3)
    error = fcntl.fcntl(_ERROR, fcntl.F_DUPFD_CLOEXEC, 3)
    os.dup2(descriptor, _OUT)
    os.dup2(descriptor, _ERROR)
    os.close(descriptor)
    set_up_logging(load(home).settings.log, Path(log))
    try:
        yield output
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(error, _ERROR)
        os.close(error)


async def _streams(output: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Standard input to read from, and `output` to write to. Raises `InvalidArgument` where they are files."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    try:
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(_IN, "rb", 0, closefd=False)
        )
        transport, protocol = await loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(loop=loop), os.fdopen(output, "wb", 0)
        )
    except ValueError as error:
        raise InvalidArgument(
            "`stigmer acp` needs pipes or sockets at its standard input and output", remedy="let an editor start it"
        ) from error
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)
