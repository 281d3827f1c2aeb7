"""A program that is an agent of ours: started inside the walls, spoken to, ended."""

import asyncio
import contextlib
import shutil
from collections.abc import Sequence

from acp import PROTOCOL_VERSION, RequestError, connect_to_agent
from acp.client.connection import ClientSideConnection
from acp.schema import (
    ClientCapabilities,
    FileSystemCapabilities,
    ImageContentBlock,
    Implementation,
    PromptResponse,
    TextContentBlock,
)

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.agent.v1.settings_pb2 import ExternalAgent
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network
from stigmer_runner.acp.client import ProgramClient
from stigmer_runner.acp.permissions import Gate
from stigmer_runner.acp.telling import MOST_OF_A_PROMPT, Calls, Told
from stigmer_runner.acp.terminals import Terminals
from stigmer_runner.acp.transport import WalledTransport
from stigmer_runner.errors import RunnerError
from stigmer_runner.mcp.guard import FlowLimits, Guard
from stigmer_runner.mcp.walled import End, Start, walled_program
from stigmer_runner.policy.protected import present
from stigmer_runner.sandbox import ExecutionRequest
from stigmer_runner.tools.session import ToolSession

START_SECONDS = 60.0
"""To answer the first two requests."""
CANCEL_SECONDS = 10.0
"""To end a prompt that was cancelled; then the program is ended."""
LIMITS = FlowLimits(unasked=10_000_000)
"""A long turn is many updates in a row; each is bounded."""
Blocks = Sequence[TextContentBlock | ImageContentBlock]


class ProgramFailed(RunnerError):
    """The program did not do what the protocol says. The message is for the person."""


class Program:
    """One start of a program: `open`, then one `prompt` after the other, then `close`."""

    def __init__(self, external: ExternalAgent, session: ToolSession, gate: Gate, number: int) -> None:
        """`number`: of the answer that it is started for; ids of its calls begin with it."""
        self._external = external
        self._session = session
        self._number = number
        self._terminals = Terminals(session, gate.policy, session.clock)
        self.calls = Calls(f"answer-{number}-")
        self._client = ProgramClient(gate, self._terminals, self.calls)
        self._gate = gate
        self._end = End()
        self._stack = contextlib.AsyncExitStack()
        self._connection: ClientSideConnection | None = None
        self._session_id = ""
        self._takes_images = False
        self.cost_dollars = 0.0
        """What it has cost so far, where it says so."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._end.over.is_set()

    @property
    def reach(self) -> str:
        """What it can do with its own hands, in words."""
        if not self._session.place.sandbox.description.walls:
            return "without walls: it may do whatever you may do"
        network = "with" if self._session.network_of(self._gate.policy) == Network.MODE_OPEN else "without"
        return f"in the sandbox, {network} the network; it may change the workspace without asking"

    async def open(self) -> None:
        """Start it. Raises `ProgramFailed`; then nothing of it is left."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._open()
        except TimeoutError as error:
            await self.close()
            raise ProgramFailed(f"{self._name} did not answer within {START_SECONDS:g} seconds") from error
        except (RequestError, ConnectionError, ValueError) as error:
            words = await self._why(error)
            await self.close()
            raise ProgramFailed(words) from error
        except BaseException:
            await self.close()
            raise

    async def prompt(self, told: Told, turn_id: str, blocks: Blocks) -> PromptResponse:
        """One turn. Cancelled, it cancels the program's turn and ends the program if that does not help. Raises `ProgramFailed`."""
        connection = self._connection
        assert connection is not None
        self._client.told, self._client.turn_id = told, turn_id
        kept = [block for block in blocks if isinstance(block, TextContentBlock) or self._takes_images]
        prompting = asyncio.create_task(connection.prompt(self._session_id, list(kept)))
        flooding = asyncio.create_task(told.too_much.wait())
        try:
            await asyncio.wait((prompting, flooding), return_when=asyncio.FIRST_COMPLETED)
            if told.too_much.is_set():
                prompting.cancel()
                await asyncio.wait((prompting,))
                await self.close()
                raise ProgramFailed(
                    f"{self._name} sent more than {MOST_OF_A_PROMPT // 2**20} MiB in one turn and was ended: what came before is kept. "
                    "Ask it for less, or have it write into a file"
                )
            return await prompting
        except asyncio.CancelledError:
            await self._cancelled(prompting)
            raise
        except (RequestError, ConnectionError, ValueError) as error:
            raise ProgramFailed(await self._why(error)) from error
        finally:
            flooding.cancel()
            self._gate.approvals.withdraw()
            await self._terminals.end_all()
            self._client.told = None

    async def close(self) -> None:
        """End it."""
        await self._terminals.end_all()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        await self._stack.aclose()

    async def _open(self) -> None:
        request = await self._request()
        streams = await self._stack.enter_async_context(
            walled_program(Start(self._session.place.sandbox, request), Guard(LIMITS), self._end)
        )
        self._connection = connection = connect_to_agent(self._client, WalledTransport(streams))
        files = FileSystemCapabilities(read_text_file=True, write_text_file=True)
        answer = await connection.initialize(
            PROTOCOL_VERSION,
            ClientCapabilities(fs=files, terminal=True),
            Implementation(name="stigmer", version=__version__),
        )
        if answer.protocol_version != PROTOCOL_VERSION:
            raise ValueError(f"it speaks version {answer.protocol_version} of the protocol, not {PROTOCOL_VERSION}")
        capabilities = answer.agent_capabilities
        prompts = capabilities.prompt_capabilities if capabilities is not None else None
        self._takes_images = bool(prompts is not None and prompts.image)
        made = await connection.new_session(str(self._session.workspace), mcp_servers=[])
        self._session_id = made.session_id

    async def _request(self) -> ExecutionRequest:
        place = self._session.place
        name = f"{place.execution_id}-{self._number}"
        scratch = place.state_directory / "acp" / name
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        return ExecutionRequest(
            command=(self._external.command, *self._external.args),
            workspace=self._session.workspace,
            marker=f"{place.marker_prefix}{place.execution_id}:acp-{self._number}"[-200:],
            environment=dict(place.environment),
            network=self._session.network_of(self._gate.policy) == Network.MODE_OPEN,
            scratch=scratch,
            read_only=await asyncio.to_thread(present, self._session.workspace),
            shown=(self._session.workspace,) if self._gate.changes_nothing else (),
            limits=place.limits,
        )

    async def _cancelled(self, prompting: "asyncio.Task[PromptResponse]") -> None:
        connection = self._connection
        self._gate.approvals.withdraw()
        if connection is not None and not self.over:
            with contextlib.suppress(ConnectionError):
                await connection.cancel(self._session_id)
            await asyncio.wait((prompting,), timeout=CANCEL_SECONDS)
        if not prompting.done():
            prompting.cancel()
            await asyncio.wait((prompting,))
            await self.close()
        if not prompting.cancelled():
            prompting.exception()

    async def _why(self, error: Exception) -> str:
        """What went wrong, in words for a person."""
        if isinstance(error, RequestError):
            return f"{self._name} refused: {self._session.redactor.text(str(error))[:1000]}"
        if isinstance(error, ValueError):
            return f"{self._name} does not speak the protocol: {self._session.redactor.text(str(error))[:1000]}"
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._end.over.wait(), 5.0)
        return f"{self._name} has ended: {self._session.redactor.text(self._end.words or 'nobody knows why')}"

    @property
    def _name(self) -> str:
        return f"the program {self._external.command!r}"
