"""What the tool calls of one execution share."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.redaction import NOTHING, Redactor
from stigmer_runner.sandbox import CommandLimits, InputWait, RunningCommand, Sandbox
from stigmer_runner.tools.files.beneath import Beneath
from stigmer_runner.tools.files.ledger import Ledger
from stigmer_runner.tools.files.snapshots import Snapshots
from stigmer_runner.tools.files.undoing import Undone, undo
from stigmer_runner.tools.handing_over import HandOver
from stigmer_runner.tools.interface import ToolResult
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.shell.handles import Handles, ModelCommand
from stigmer_runner.tools.shell.state import ShellStates
from stigmer_runner.tools.shell.terminals import Terminals
from stigmer_runner.tools.web.addresses import Resolve, resolve
from stigmer_runner.tools.web.proxy import HostProxy

DEFAULT_LIMITS = CommandLimits(
    processes=1024,
    memory=max(2 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4),
    file_size=16 << 30,
    open_files=8192,
    memory_files=1 << 30,
    disk_left=512 << 20,
)
"""Three quarters of the machine's memory, and files that no honest command writes."""


DEFAULT_PATIENCE: Mapping[InputWait, float] = {InputWait.PASSWORD: 60.0, InputWait.LINE: 10.0, InputWait.KEY: 10.0}
"""A password, which nobody but the person can give, is waited for longest."""


@dataclass(frozen=True)
class SessionPlace:
    """Where the tools of an execution work."""

    execution_id: str
    session_id: str
    workspace: Path
    sandbox: Sandbox
    marker_prefix: str
    """Of the markers by which children are found again after a crash."""
    state_directory: Path
    """A 0700 directory of the session's own outside the workspace, hidden from commands: snapshots for undo, output of commands."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Values of the execution's context: commands have them, nothing else has."""
    scratch: Path | None = None
    """The session's own /tmp."""
    network: Network = field(default_factory=Network)
    """What a model's commands reach; unspecified is closed."""
    hidden: tuple[Path, ...] = ()
    """Directories that no tool may look into: `STIGMER_HOME` and the run directory."""
    shown: tuple[Path, ...] = ()
    """Directories outside the workspace that may be read all the same, and not changed: skills. Their links are resolved."""
    limits: CommandLimits = DEFAULT_LIMITS
    """How much of the machine a command may use."""
    patience: Mapping[InputWait, float] = field(default_factory=lambda: DEFAULT_PATIENCE)
    """Seconds that a person has to answer a program that waits for input, before the model that waits for the program is told."""
    command_timeout: float = 600.0
    """Seconds that a model's command may take where it does not ask for less."""


class ToolSession:
    """Made once for an execution when its runner takes it, after `states.load`; `close` ends what runs in the background.

    `clock` gives microseconds since 1970.
    """

    def __init__(
        self,
        place: SessionPlace,
        states: ShellStates,
        terminals: Terminals,
        clock: Callable[[], int],
        redactor: Redactor = NOTHING,
        resolve: Resolve = resolve,
    ) -> None:
        self.place = place
        self.states = states
        self.terminals = terminals
        self.clock = clock
        self.redactor = redactor
        self.resolve = resolve
        self.workspace = place.workspace.resolve()
        self._walls = place.sandbox.description
        """What confines commands, which stays the same; what they are shown may not."""
        self.hidden = (*place.hidden, *self._walls.own)
        self.files = Beneath(self.workspace, self.hidden)
        self.shown = tuple(Beneath(place) for place in place.shown)
        self.ledger = Ledger()
        self.snapshots = Snapshots(place.state_directory / "snapshots", place.execution_id)
        self.changing = asyncio.Lock()
        """Held while a file is changed."""
        self.handles = Handles(place.state_directory / "output" / place.execution_id)
        """The commands that a model started."""
        self.companions: list[Callable[[], Awaitable[None]]] = []
        """What else ends with the session: each is called once."""
        self.hand_over: HandOver | None = None
        """Keeps files for the person. Set by whoever speaks with the daemon; None where nobody does."""

    @property
    def commands_owner(self) -> str:
        """Whose a model's commands are, for what the sandbox has ready for them."""
        return f"{self.place.marker_prefix}{self.place.execution_id}"

    def standing(self) -> Standing:
        """Where a call would run now."""
        state = self.states.current(self.place.session_id)
        removed = dict.fromkeys(state.removed, "")
        return Standing(
            workspace=self.workspace,
            directory=state.directory,
            walls=self._walls.whole,
            remark=self._walls.remark,
            environment={**removed, **state.variables},
            hidden=self.hidden,
            redactor=self.redactor,
        )

    def files_of(self, path: str) -> Beneath:
        """Where a path that is read leads: below a shown directory, or below the workspace."""
        return next((each for each in self.shown if Path(path).is_relative_to(each.root)), self.files)

    def redacted(self, result: ToolResult) -> ToolResult:
        """`result` without secrets: for every result that leaves the runner, those of MCP servers too."""
        return replace(result, text=self.redactor.text(result.text))

    async def undo_turn(self, message_id: str) -> Undone:
        """Put back the files that tools changed in the turn which `message_id` began; files that others changed since are
        left alone. What commands changed is not known here. Raises `SnapshotsBroken`."""
        async with self.changing:
            return await asyncio.to_thread(undo, self.files, self.snapshots, self.ledger, message_id)

    def open_terminal(self, command: ModelCommand, running: RunningCommand) -> None:
        """A command runs: persons can attach to its terminal until it ends."""
        stack = contextlib.ExitStack()
        stack.enter_context(self.terminals.opened(command.terminal_id, running, command.resized, command.typed))
        command.begin(running, lambda _: stack.close())

    def network(self, policy: Policy) -> Network:
        """What the policy of now opens, else what the execution began with."""
        return policy.network if policy.network.mode else self.place.network

    def network_of(self, policy: Policy) -> Network.Mode.ValueType:
        """What a model's commands reach now: open, closed, or some hosts. Without walls nothing can be closed."""
        if not self._walls.walls:
            return Network.MODE_OPEN
        return self.network(policy).mode or Network.MODE_CLOSED

    def way_out(self, policy: Policy, refused: Callable[[str], None]) -> HostProxy | None:
        """What a command has in place of the network, where the policy opens some hosts. Whoever takes it closes it."""
        if self.network_of(policy) != Network.MODE_HOSTS:
            return None
        return HostProxy(self.network(policy).hosts, self.resolve, refused)

    async def close(self) -> None:
        """End every process of the session and wait for that; no event is told any more."""
        for each in self.companions:
            await each()
        await self.handles.close()
        await self.place.sandbox.forget(self.commands_owner)
