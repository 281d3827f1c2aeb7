"""Where command lines run: a terminal of their own, walls around it, and an end that leaves nothing behind.

`choose_sandbox` finds out what this machine can do and returns a `Sandbox`; everything else here is what goes in and
comes out of it. See `docs/sandbox.md` for what is kept apart and what is not.

Layers, lowest first: `model`, `errors`; `interface`; `environment`, `processes`, `terminal`, `spawner`; `shell`,
`report`; `mounts` and what it is made of; `command`, `plain`; `bubblewrap`, `unwalled`; `choose`.
"""

from stigmer_runner.sandbox.choose import choose_sandbox
from stigmer_runner.sandbox.ending import end_marked_processes
from stigmer_runner.sandbox.errors import (
    CommandEnded,
    InputQueueFull,
    InputRefused,
    LayoutRefused,
    SandboxClosed,
    SandboxError,
    SpawnFailed,
    WorkspaceRefused,
)
from stigmer_runner.sandbox.interface import OutputSink, RunningCommand, Sandbox
from stigmer_runner.sandbox.model import (
    MARKER_VARIABLE,
    CommandLimits,
    CommandRequest,
    CommandResult,
    ExecutionRequest,
    ExecutionResult,
    InputWait,
    KilledProcess,
    Listening,
    Mount,
    MountKind,
    Outcome,
    SandboxDescription,
    SandboxKind,
    SandboxLayout,
    ShellState,
)

__all__ = [
    "MARKER_VARIABLE",
    "CommandEnded",
    "CommandLimits",
    "CommandRequest",
    "CommandResult",
    "ExecutionRequest",
    "ExecutionResult",
    "InputQueueFull",
    "InputRefused",
    "InputWait",
    "KilledProcess",
    "LayoutRefused",
    "Listening",
    "Mount",
    "MountKind",
    "Outcome",
    "OutputSink",
    "RunningCommand",
    "Sandbox",
    "SandboxClosed",
    "SandboxDescription",
    "SandboxError",
    "SandboxKind",
    "SandboxLayout",
    "ShellState",
    "SpawnFailed",
    "WorkspaceRefused",
    "choose_sandbox",
    "end_marked_processes",
]
