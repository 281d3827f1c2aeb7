"""The values of the sandbox: what to run, where, and how it ended. Pure: nothing here touches the system."""

import enum
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MARKER_VARIABLE = "STIGMER_EXEC_ID"
"""The variable that every process of a command carries; its value is the request's marker."""


class SandboxKind(enum.Enum):
    """What stands between a command and the person's machine."""

    BUBBLEWRAP = "bwrap"
    """Namespaces of its own, made by bubblewrap."""
    LANDLOCK = "landlock"
    """Rules of the kernel about files, and a filter of system calls."""
    CONTAINER = "container"
    """A container of Docker or Podman, where settings ask for it. Not made by `choose_sandbox`."""
    DAYTONA = "daytona"
    """A sandbox of Daytona, where a run asks for it. Not made by `choose_sandbox`."""
    NONE = "none"
    """Nothing: the command may do whatever the person may do."""


class Outcome(enum.Enum):
    """How a command came to its end."""

    EXITED = "exited"
    """It ended by itself, with an exit code."""
    SIGNALLED = "signalled"
    """A signal ended its shell."""
    CANCELLED = "cancelled"
    """It was ended because somebody asked for it."""
    TIMED_OUT = "timed out"
    """It was ended because its time was up."""


class InputWait(enum.Enum):
    """What kind of input the program in the foreground of a terminal waits for."""

    PASSWORD = "password"
    """A line that is not echoed."""
    LINE = "line"
    """A line."""
    KEY = "key"
    """Single keys: a pager, an editor, any full-screen program."""


class MountKind(enum.Enum):
    """What a command finds at a place of its file tree."""

    READ_ONLY = "read-only"
    """The machine's own file or directory, which cannot be changed."""
    WRITABLE = "writable"
    """The machine's own file or directory."""
    EMPTY = "empty"
    """An empty directory of the command's own, gone when it ends."""
    HIDDEN = "hidden"
    """Nothing: what the machine has there is covered."""
    LINK = "link"
    """A symbolic link to `source`."""
    DEVICES = "devices"
    """A minimal /dev."""
    PROCESSES = "processes"
    """A /proc that shows the command's own processes."""


@dataclass(frozen=True)
class Mount:
    """One place of the file tree that a command sees."""

    target: Path
    """Where, inside."""
    kind: MountKind
    source: Path | None = None
    """Where it comes from, on the machine; for a link, what it says."""
    within: Path | None = None
    """A directory that commands can write and that `source` lies in: it is opened below it without following a link, and left
    out where that cannot be."""


@dataclass(frozen=True)
class SandboxLayout:
    """The directories and the environment of the person that a sandbox is made for."""

    home: Path
    """`STIGMER_HOME`: never visible inside, but for a session's own workspace below `data/workspace`."""
    run_directory: Path
    """Where the sockets and tokens are: never visible inside."""
    person_home: Path
    """The person's home: hidden inside, but for toolchains and the git configuration."""
    path: str
    """`PATH` of the client that asks; the toolchains on it are readable inside."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The client's environment; only what is on the allow-list of `environment.py` is taken from it."""
    data_directory: Path | None = None
    """The folder of the databases where it is not `data` below `home`: as hidden as that, but for the workspaces in it."""

    @property
    def own(self) -> tuple[Path, ...]:
        """Stigmer's own directories, which no command sees."""
        return (self.home, self.run_directory, *([self.data_directory] if self.data_directory else ()))

    @property
    def session_workspaces(self) -> Path:
        """Each directory in it is a session's own workspace, the only part of Stigmer's own that is ever visible."""
        return (self.data_directory or self.home / "data") / "workspace"


@dataclass(frozen=True)
class SandboxDescription:
    """What a sandbox is, for `doctor` and for the screen."""

    kind: SandboxKind
    walls: bool
    """Whether anything keeps a command from the rest of the machine."""
    reason: str
    """Why it is this kind, in words that a person can act on; empty where nothing better can be had."""
    mounts: tuple[Mount, ...] = ()
    """What every command sees, its workspace not counted; empty without walls."""
    network: bool = True
    """Whether the network can be taken away from a command."""
    own: tuple[Path, ...] = ()
    """Stigmer's own directories, which no command and no tool may see."""
    whole: bool = False
    """Whether commands have a file tree of their own: parts of the workspace can be kept from change and covered in it, and /tmp is
    the session's. Without it the preset `auto` does not count."""
    gaps: tuple[str, ...] = ()
    """What the walls do not keep out on this machine, though they could on another: one sentence each."""

    @property
    def remark(self) -> str:
        """What a person who is asked about a command should know; empty where the walls are whole."""
        if not self.walls:
            return "nothing confines commands on this machine: it may do whatever you may do"
        if not self.whole:
            return "walls of Landlock alone: it may change files of the workspace that run by themselves, such as git hooks"
        return ""


@dataclass(frozen=True)
class CommandLimits:
    """How much of the machine a command may use. 0: no limit."""

    processes: int = 0
    """Living at the same time, its shell and the sandbox's own counted."""
    memory: int = 0
    """Bytes that all its processes keep in memory, together."""
    file_size: int = 0
    """Bytes of one file that it writes."""
    open_files: int = 0
    """Of one process."""
    memory_files: int = 0
    """Bytes in each directory of its own that lives in memory."""
    disk_left: int = 0
    """Bytes that have to stay free where its workspace lies; a command that writes past that is ended."""


@dataclass(frozen=True)
class Listening:
    """A port inside a command's own network, served from outside: its only way out."""

    port: int
    """On 127.0.0.1, inside."""
    serve: Callable[[socket.socket], None]
    """Given the listening socket, in another thread, before the command begins. Whoever serves it closes it."""


@dataclass(frozen=True)
class ShellState:
    """What carries over from one line to the next."""

    directory: str
    """The working directory, absolute, as the shell names it (symbolic links kept)."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Exported variables that differ from what a fresh line gets. Bytes that are not UTF-8 are surrogates."""
    removed: tuple[str, ...] = ()
    """Variables that a fresh line gets and that were unset."""


@dataclass(frozen=True)
class CommandRequest:
    """One line to run in a terminal."""

    line: str
    """What the person or the model typed: any number of lines of shell."""
    workspace: Path
    """The directory that may be written."""
    state: ShellState
    """Where the line before it ended; its directory may be gone, and then the line starts in the workspace and says so."""
    marker: str
    """Unique to this call: children are found again by it, even after a crash. Letters, digits, `.`, `_`, `:` and `-`."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Values of the execution's context: the command has them, the state that it leaves does not."""
    columns: int = 80
    rows: int = 24
    network: bool = True
    """Whether the command reaches the network; refused as an error where the sandbox cannot take it away."""
    timeout: float | None = None
    """Seconds after which the command is ended; None: never."""
    scratch: Path | None = None
    """A directory of the session's own that is /tmp inside, so that files there outlive a line; None: an empty one each line."""
    read_only: tuple[Path, ...] = ()
    """Files and directories of the workspace that the command can read and not change. Nothing where the walls are not whole."""
    shown: tuple[Path, ...] = ()
    """Directories elsewhere, Stigmer's own among them, that the command can read and not change. Their links are resolved."""
    limits: CommandLimits | None = None
    listening: Listening | None = None
    """Only where `network` is False."""
    ahead: str = ""
    """Whose command it is, as the beginning of a marker: once it has ended, a shell is kept ready for the owner's next one, until `forget`. Empty: none."""


@dataclass(frozen=True)
class ExecutionRequest:
    """One command without a terminal, its two outputs apart."""

    command: str | Sequence[str]
    """A line for the shell, or a program with its arguments."""
    workspace: Path
    marker: str
    """As in `CommandRequest`."""
    directory: str | None = None
    """Where to run; None: the workspace."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    network: bool = True
    timeout: float | None = None
    """Seconds after which the command is ended; None: never."""
    scratch: Path | None = None
    input: bytes = b""
    """What the command reads from its standard input, which then ends."""
    output_limit: int = 16 * 1024 * 1024
    """Bytes kept of each output; what comes after them is read and dropped."""
    on_output: Callable[[int, bytes], None] | None = None
    """Given what comes as it comes, on the event loop, all of it: 1 for the standard output and 2 for the other, and its bytes."""
    read_only: tuple[Path, ...] = ()
    """As in `CommandRequest`."""
    shown: tuple[Path, ...] = ()
    """As in `CommandRequest`."""
    program: Path | None = None
    """A program that the command starts: shown with what it needs, wherever it lies. None: what `command` begins with, where that is a place."""
    limits: CommandLimits | None = None
    listening: Listening | None = None


@dataclass(frozen=True)
class KilledProcess:
    """A process that was ended."""

    pid: int
    """On the machine, not inside the sandbox."""
    command: str
    """Its command line, at most 200 characters, or its name in brackets. Whatever was typed is in it, secrets too."""


@dataclass(frozen=True)
class CommandResult:
    """How a line ended."""

    outcome: Outcome
    exit_code: int | None
    """As a shell reports it: 128 + n where signal n ended the command; None where it was cancelled or timed out."""
    signal: int | None
    """The signal that ended the shell, where one did."""
    duration: float
    """Seconds from the start to the end of the shell."""
    state: ShellState
    """For the next line; the state before where the shell could not say."""
    killed: tuple[KilledProcess, ...] = ()
    """What was ended by a cancel or a timeout, at most 50."""
    survivors: tuple[KilledProcess, ...] = ()
    """What could not be ended, such as a program of another user; always empty where walls stand."""
    background_left: bool = False
    """Processes outlived the shell. With walls they were ended with it; without, they go on."""
    limit: str = ""
    """The limit that it was ended for, in words; empty where none was."""


@dataclass(frozen=True)
class ExecutionResult:
    """How a command without a terminal ended."""

    outcome: Outcome
    exit_code: int | None
    """As in `CommandResult`."""
    stdout: bytes
    stderr: bytes
    duration: float
    truncated: bool = False
    """Whether an output was longer than the limit."""
    killed: tuple[KilledProcess, ...] = ()
    survivors: tuple[KilledProcess, ...] = ()
    limit: str = ""
    """As in `CommandResult`."""
