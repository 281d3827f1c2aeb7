"""A session of tools on real directories, and calls of its tools as the loop makes them."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.redaction import Redactor
from stigmer_runner.sandbox import InputWait, Sandbox
from stigmer_runner.tools.interface import Question, ToolContext, ToolResult
from stigmer_runner.tools.preparing import Prepared, prepare
from stigmer_runner.tools.registry import builtin_tools
from stigmer_runner.tools.session import SessionPlace, ToolSession
from stigmer_runner.tools.shell.state import ShellStates
from stigmer_runner.tools.shell.terminals import Terminals
from tests.sandbox.ground import Ground

PATIENCE = 60.0
"""Seconds after which a call that should end is taken to hang."""


@dataclass
class ToolBench:
    """Calls tools and keeps what they recorded. Use `new_bench`."""

    session: ToolSession
    ground: Ground
    states: ShellStates
    policy: Policy = field(default_factory=Policy)
    events: list[Event] = field(default_factory=list[Event])
    answers: list[str] = field(default_factory=list[str])
    questions: list[Question] = field(default_factory=list[Question])
    turn: str = "message-1"
    calls: int = 0

    @property
    def workspace(self) -> Path:
        """Where the tools work."""
        return self.session.workspace

    def context(self) -> ToolContext:
        """Of the next call."""
        self.calls += 1
        return ToolContext(
            call_id=f"call-{self.calls}",
            session=self.session,
            message_id=self.turn,
            policy=self.policy,
            record=self.events.append,
            ask=self._answer if self.answers else None,
        )

    async def call(self, name: str, **arguments: object) -> ToolResult:
        """What a call comes to, its arguments checked as the loop does."""
        tool = builtin_tools([name])[name]
        async with asyncio.timeout(PATIENCE):
            return await tool.call(self.context(), tool.check(arguments))

    async def text(self, name: str, **arguments: object) -> str:
        """The text of a call that goes well."""
        result = await self.call(name, **arguments)
        assert not result.is_error, result.text
        return result.text

    async def error(self, name: str, **arguments: object) -> str:
        """The text of a call that does not."""
        result = await self.call(name, **arguments)
        assert result.is_error, result.text
        return result.text

    async def prepare(self, name: str, **arguments: object) -> Prepared:
        """What is decided about a call."""
        return await prepare(builtin_tools([name])[name], arguments, self.policy, self.session.standing())

    def of(self, kind: str) -> list[Event]:
        """The events of one kind that were recorded."""
        return [event for event in self.events if event.WhichOneof("body") == kind]

    def output(self, terminal_id: str) -> bytes:
        """Everything that a terminal said."""
        return b"".join(
            event.terminal_output.data
            for event in self.of("terminal_output")
            if event.terminal_output.terminal_id == terminal_id
        )

    async def close(self) -> None:
        """End the session."""
        await self.session.close()
        self.states.close()

    async def _answer(self, question: Question) -> str:
        self.questions.append(question)
        return self.answers.pop(0)


async def new_bench(
    ground: Ground,
    sandbox: Sandbox,
    *,
    workspace: Path | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    network: Network | None = None,
    patience: Mapping[InputWait, float] | None = None,
) -> ToolBench:
    """A session in `workspace`, else in one of its own."""
    states = ShellStates(ground.run / "shell")
    chosen = workspace or ground.workspace()
    await states.load("session", chosen.resolve())
    state_directory = ground.home / "data" / "tools"
    state_directory.mkdir(parents=True, exist_ok=True)
    place = SessionPlace(
        execution_id="execution",
        session_id="session",
        workspace=chosen,
        sandbox=sandbox,
        marker_prefix=f"test:{time.monotonic_ns()}:",
        state_directory=state_directory,
        environment=environment or {},
        scratch=ground.scratch,
        network=network or Network(),
        hidden=(ground.home, ground.run),
        patience=patience or dict.fromkeys(InputWait, 0.2),
    )
    session = ToolSession(place, states, Terminals(), lambda: time.time_ns() // 1000, Redactor(secrets or {}))
    return ToolBench(session, ground, states)


def arguments_of(prepared: Prepared) -> dict[str, object]:
    """What will run."""
    return json.loads(prepared.canonical_args)
