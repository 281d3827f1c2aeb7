"""What a person writes into a session, one line after the other: to the run that goes on, or as the next run where it has ended."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import Attachment, ClientEnvironment
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.errors import FailedPrecondition, StigmerError
from stigmer_tui.completion.attaching import attachments_of
from stigmer_tui.screens.missing_values import NOTHING, Given
from stigmer_tui.transcript.run_state import RunState

if TYPE_CHECKING:
    from stigmer_apis.client import Client


SHELL = "shell"
"""The agent whose messages are command lines."""
Provide = Callable[["Client", str], Awaitable[Given]]
"""What an agent misses, by variable. Raises `StigmerError` where it is not given."""


@dataclass(frozen=True, slots=True)
class Start:
    """A run that does not exist yet."""

    agent: str
    """Its name."""
    line: str
    """What it is to do first."""
    workspace: Path | None
    """Where its session works; None: in a directory of its own."""


class LineSender:
    """Sends lines in order. Where a run ended just then, the line becomes the next run of the session by itself."""

    def __init__(
        self,
        start: Start | str,
        state: Callable[[], RunState],
        environment: Callable[[], ClientEnvironment],
        started: Callable[[str], None],
        failed: Callable[[str, StigmerError], None],
        provide: Provide | None = None,
    ) -> None:
        """`start`: the run to write to, or the one to start. `state`: how the run that is shown stands. `started`: told the id of the next run.
        `failed`: told a line that could not be sent, and why. `provide`: asked for what an agent misses before its run starts."""
        self._start = start if isinstance(start, Start) else None
        self.target = start if isinstance(start, str) else ""
        """The run that lines go to; empty while there is none."""
        self._state = state
        self._environment = environment
        self._started = started
        self._failed = failed
        self._provide = provide
        self._lines: deque[str] = deque()
        self._more = asyncio.Event()
        self._closed = False
        self._policy: Policy | None = None
        if isinstance(start, Start):
            self.send(start.line)

    def send(self, line: str) -> None:
        """Send a line after those that are on their way."""
        self._lines.append(line)
        self._more.set()

    def give_policy(self, policy: Policy) -> None:
        """The next run of the session is started under this policy."""
        self._policy = policy

    def close(self) -> None:
        """Nothing more is written here: end once everything is sent."""
        self._closed = True
        self._more.set()

    @property
    def unsent(self) -> list[str]:
        """Lines that the server has not confirmed."""
        return list(self._lines)

    async def run(self, client: "Client") -> None:
        """Until it is closed and everything is sent, or it is cancelled."""
        while True:
            while self._lines:
                try:
                    await self._send(client, self._lines[0])
                except StigmerError as error:
                    self._failed(self._lines[0], error)
                self._lines.popleft()
            if self._closed:
                return
            self._more.clear()
            await self._more.wait()

    async def _send(self, client: "Client", line: str) -> None:
        if not self.target and self._start is not None:
            workspace = str(self._start.workspace) if self._start.workspace else None
            given = await self._provide(client, self._start.agent) if self._provide is not None else NOTHING
            attachments = (
                ()
                if self._start.agent == SHELL
                else await asyncio.to_thread(attachments_of, line, self._start.workspace)
            )
            execution = await client.run(
                self._start.agent,
                line,
                workspace=workspace,
                client_environment=self._environment(),
                variables=given.variables,
                secrets=given.secrets,
                attachments=attachments,
            )
        elif await self._taken(client, line):
            return
        else:
            execution = await client.run(
                "",
                line,
                session_id=await self._session(client),
                client_environment=self._environment(),
                policy=self._policy,
                attachments=await self._attachments(line),
            )
            self._policy = None
        self.target = execution.metadata.id
        self._started(self.target)

    async def _taken(self, client: "Client", line: str) -> bool:
        """Whether the run that goes on has the line."""
        state = self._state()
        if state.execution_id == self.target and not state.live:
            return False
        attachments = await self._attachments(line)
        try:
            await client.send_message(self.target, line, attachments=attachments)
        except FailedPrecondition:
            return False
        return True

    async def _attachments(self, line: str) -> Sequence[Attachment]:
        """What the line names; a shell reads its files itself."""
        state = self._state()
        if state.agent == SHELL:
            return ()
        return await asyncio.to_thread(attachments_of, line, Path(state.workspace) if state.workspace else None)

    async def _session(self, client: "Client") -> str:
        state = self._state()
        if state.execution_id == self.target and state.session_id:
            return state.session_id
        return (await client.get_execution(self.target)).spec.session_id
