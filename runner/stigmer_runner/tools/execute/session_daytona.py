"""The sandbox of a run in Daytona: made with its first command, and deleted with the run. Commands work there on a copy of the workspace.

Before a command what changed here goes there, and after it what changed there comes back, but for files that run by themselves and what changed
here meanwhile. A command has no terminal: its two outputs come as one, at its end.
"""

import asyncio
import base64
import os
import re
import shlex
from collections.abc import Mapping
from contextlib import AsyncExitStack

import httpx2

from stigmer_runner.finishing import uninterrupted
from stigmer_runner.sandbox import (
    CommandRequest,
    CommandResult,
    ExecutionRequest,
    ExecutionResult,
    InputRefused,
    InputWait,
    Outcome,
    OutputSink,
    SandboxClosed,
    SandboxDescription,
    SandboxKind,
    SandboxLayout,
    ShellState,
    SpawnFailed,
)
from stigmer_runner.sandbox.environment import can_carry, state_after
from stigmer_runner.sandbox.report import parse
from stigmer_runner.sandbox.shell import END, STATE
from stigmer_runner.sandbox.workspace import resolved_workspace
from stigmer_runner.tools.execute.daytona import END_ALL, GRACE, MARKER, DaytonaAccount, DaytonaClient
from stigmer_runner.tools.execute.mirror import Mirror

GAPS = (
    "Commands work on a copy of the workspace in Daytona, which is sent before a command and brought back after it; empty directories are not.",
    "Commands have no terminal and read no input, and what they print comes at their end.",
    "MCP servers and agents that are programs do not run there, and files of skills are not there.",
)
OUTPUT = 4 * 1024 * 1024
"""Bytes of a command's output that are brought back."""
_OF_THERE = ("PATH", "HOME", "HOSTNAME", "TERM", "PWD", "OLDPWD", "SHLVL", "_", MARKER)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LINE = rb"([A-Za-z0-9+/=]*)\r?\n"
_ANSWER = re.compile(
    rb"^STIGMER (\d{1,3}) ([01]) (\d+) ([01])\r?\n" + _LINE + _LINE + rb"([A-Za-z0-9+/=]*)\s*\Z", re.MULTILINE
)

_SCRIPT = rf"""
marker={MARKER}=%(marker)s
root=%(root)s
{END_ALL}
kept=$(mktemp -d) || exit 125
list() {{
  (cd "$root" && find . ! -type d ! -name '*
*' -exec stat -c '%%f %%s %%i %%z %%n' {{}} + 2>/dev/null | LC_ALL=C sort)
}}
list >"$kept/before"
printf %%s '%(command)s' | base64 -d >"$kept/command"
cd "$root" || exit 125
env "$marker" STIGMER_KEPT="$kept" setsid sh "$kept/command" </dev/null >"$kept/out" 2>&1 &
child=$!
if [ %(tenths)d -gt 0 ]; then
  (
    count=0
    while [ $count -lt %(tenths)d ]; do
      sleep 0.1
      kill -0 $child 2>/dev/null || exit
      count=$((count + 1))
    done
    : >"$kept/late"
    end_all
  ) >/dev/null 2>&1 &
fi
wait $child
code=$?
end_all
late=0
[ -e "$kept/late" ] && late=1
list >"$kept/after"
LC_ALL=C comm -13 "$kept/before" "$kept/after" | cut -d' ' -f7- >"$kept/changed"
cut -d' ' -f7- "$kept/before" | LC_ALL=C sort >"$kept/had"
cut -d' ' -f7- "$kept/after" | LC_ALL=C sort >"$kept/has"
packed=0
[ -s "$kept/changed" ] && (cd "$root" && tar -czf "$root.out%(number)d" -T "$kept/changed") && packed=1
printf 'STIGMER %%d %%d %%d %%d\n' $code $late $(wc -c <"$kept/out") $packed
head -c %(limit)d "$kept/out" | base64 | tr -d '\n'
echo
[ -e "$kept/state" ] && base64 <"$kept/state" | tr -d '\n'
echo
LC_ALL=C comm -23 "$kept/had" "$kept/has" | base64 | tr -d '\n'
echo
rm -rf "$kept"
"""
_APPLY = """
root=%(root)s
cd "$root" || exit 125
xargs -0 rm -f -- <"$root.gone%(number)d"
tar -xzf "$root.in%(number)d" && rm -f "$root.in%(number)d" "$root.gone%(number)d" && echo applied
"""


class _There:
    """A sandbox of Daytona, and what it has of the workspace."""

    def __init__(self, sandbox_id: str, root: str, mirror: Mirror) -> None:
        self.sandbox_id = sandbox_id
        self.root = root
        self.mirror = mirror
        self.syncing = asyncio.Lock()


class DaytonaSandbox:
    """See `interface.Sandbox`. One for a run: whoever made it closes it."""

    kind = SandboxKind.DAYTONA

    def __init__(self, account: DaytonaAccount, layout: SandboxLayout) -> None:
        """`layout` has its symbolic links resolved."""
        self._account = account
        self._layout = layout
        self._stack = AsyncExitStack()
        self._client: DaytonaClient | None = None
        self._there: dict[bool, _There] = {}
        self._making = asyncio.Lock()
        self._running: set[DaytonaCommand] = set()
        self._number = 0
        self._closed = False
        self.description = SandboxDescription(
            SandboxKind.DAYTONA,
            walls=True,
            reason=f"Daytona at {account.url}",
            network=True,
            own=layout.own,
            gaps=GAPS,
            whole=True,
        )

    async def expect(self, request: CommandRequest) -> None:
        """See `Sandbox.expect`: nothing is done ahead."""

    async def start(self, request: CommandRequest, on_output: OutputSink) -> "DaytonaCommand":
        """See `Sandbox.start`."""
        there = await self._place(request)
        command = DaytonaCommand(self, there, request, on_output)
        self._running.add(command)
        command.life.add_done_callback(lambda _: self._running.discard(command))
        return command

    async def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """See `Sandbox.execute`. The two outputs come as one."""
        if not isinstance(request.command, str) or request.input:
            raise SpawnFailed(
                "programs that Stigmer talks to, such as MCP servers, do not run in Daytona: "
                "leave them out, or start the run with `--sandbox walls` or `--sandbox container`"
            )
        there = await self._place(request)
        state = ShellState(request.directory or str(request.workspace))
        line = CommandRequest(request.command, request.workspace, state, request.marker, request.environment)
        said: list[bytes] = []
        command = DaytonaCommand(self, there, line, said.append, request.timeout)
        try:
            result = await command.wait()
        except asyncio.CancelledError:
            await uninterrupted(command.cancel())
            raise
        output = b"".join(said).replace(b"\r\n", b"\n")
        kept = output[: request.output_limit]
        return ExecutionResult(
            result.outcome, result.exit_code, kept, b"", result.duration, truncated=len(kept) < len(output)
        )

    async def forget(self, owner: str) -> None:
        """Nothing is made ready."""

    async def close(self) -> None:
        """See `Sandbox.close`: the sandboxes there are deleted."""
        self._closed = True
        for command in tuple(self._running):
            await command.cancel()
        await self._stack.aclose()

    async def run(
        self, there: _There, request: CommandRequest, timeout: float | None
    ) -> tuple[int, bool, bytes, ShellState]:
        """Run a line there; how it ended, whether its time was up, what it said, and what the next one goes on from. Raises `SpawnFailed`."""
        self._number += 1
        number = self._number
        await self._send(there, number)
        script = _SCRIPT % {
            "marker": shlex.quote(request.marker),
            "root": shlex.quote(there.root),
            "command": _base64(_program(request, there.root)),
            "tenths": 0 if timeout is None else max(1, round(timeout * 10)),
            "number": number,
            "limit": OUTPUT,
        }
        said = await self._asked.run(there.sandbox_id, script, timeout)
        answer = _ANSWER.search(said.encode("utf-8", "replace"))
        if answer is None:
            raise SpawnFailed(f"Daytona's sandbox did not run the command: {said.strip()[-500:] or 'it said nothing'}")
        gone = base64.b64decode(answer[7]).decode("utf-8", "surrogateescape").splitlines()
        left = await self._fetch(there, number, gone, packed=answer[4] == b"1")
        output = base64.b64decode(answer[5])
        notes: list[str] = []
        if int(answer[3]) > len(output):
            notes.append(f"[{int(answer[3]) - len(output):,} more bytes were not brought back]")
        if left:
            named = ", ".join(left[:10]) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
            notes.append(f"[not brought back, since they run by themselves or changed here meanwhile: {named}]")
        for note in notes:
            output += (b"" if not output or output.endswith(b"\n") else b"\n") + f"{note}\n".encode()
        state = _after(base64.b64decode(answer[6]), request, there.root)
        return int(answer[1]), answer[2] == b"1", output, state

    async def end(self, there: _There, marker: str) -> None:
        """End what carries the mark; where even that cannot be asked, its time ends it."""
        script = f"marker={MARKER}={shlex.quote(marker)}\n{END_ALL}end_all\n"
        try:
            await self._asked.run(there.sandbox_id, script, GRACE)
        except SpawnFailed:
            return

    @property
    def _asked(self) -> DaytonaClient:
        assert self._client is not None
        return self._client

    async def _place(self, request: CommandRequest | ExecutionRequest) -> _There:
        """The sandbox with or without the network, made where there is none."""
        if request.listening is not None:
            raise SpawnFailed("single hosts cannot be opened in Daytona: open the network in the policy, or close it")
        real = await asyncio.to_thread(resolved_workspace, request.workspace, self._layout, walls=False)
        async with self._making:
            if self._closed:
                raise SandboxClosed("this sandbox was closed and starts nothing any more: restart the runner")
            there = self._there.get(request.network)
            if there is None:
                if self._client is None:
                    self._client = DaytonaClient(
                        self._account, await self._stack.enter_async_context(httpx2.AsyncClient())
                    )
                made = await self._stack.enter_async_context(self._client.sandbox(network=request.network))
                root = (await self._client.run(made, "mkdir -p workspace && cd workspace && pwd -P\n", GRACE)).strip()
                if not root.startswith("/") or "\n" in root:
                    raise SpawnFailed(f"Daytona's sandbox has no place for the workspace: {root[:200]}")
                there = self._there[request.network] = _There(made, root, Mirror(real, self._layout.own))
            return there

    async def _send(self, there: _There, number: int) -> None:
        async with there.syncing:
            parcel = await asyncio.to_thread(there.mirror.pack)
            if parcel is None:
                return
            gone = b"".join(os.fsencode(each) + b"\0" for each in parcel.gone)
            await self._asked.upload(there.sandbox_id, f"{there.root}.gone{number}", gone)
            await self._asked.upload(there.sandbox_id, f"{there.root}.in{number}", parcel.archive)
            script = _APPLY % {"root": shlex.quote(there.root), "number": number}
            said = await self._asked.run(there.sandbox_id, script, GRACE * 4)
            if not said.strip().endswith("applied"):
                raise SpawnFailed(f"the workspace could not be copied to Daytona: {said.strip()[-300:]}")

    async def _fetch(self, there: _There, number: int, gone: list[str], *, packed: bool) -> list[str]:
        async with there.syncing:
            archive = b""
            if packed:
                archive = await self._asked.download(there.sandbox_id, f"{there.root}.out{number}")
            return await asyncio.to_thread(there.mirror.take, archive, gone)


class DaytonaCommand:
    """See `interface.RunningCommand`. What it is written to is refused: it has no terminal."""

    pid = 0
    """No process of this machine stands for it."""

    def __init__(
        self,
        sandbox: DaytonaSandbox,
        there: _There,
        request: CommandRequest,
        on_output: OutputSink,
        timeout: float | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._there = there
        self._request = request
        self._on_output = on_output
        self._timeout = timeout if timeout is not None else request.timeout
        self._began = asyncio.get_running_loop().time()
        self._cancelled = False
        self.life = asyncio.create_task(self._live())

    def write(self, data: bytes) -> None:
        """Refused."""
        del data
        raise InputRefused("a command in Daytona has no terminal, and reads no input")

    def resize(self, columns: int, rows: int) -> None:
        """There is nothing that has a size."""

    def pause_reading(self) -> None:
        """All of it comes at once."""

    def resume_reading(self) -> None:
        """All of it comes at once."""

    def waiting_for(self) -> InputWait | None:
        """Never for input."""
        return None

    async def cancel(self) -> None:
        """See `RunningCommand.cancel`."""
        if not self.life.done() and not self._cancelled:
            self._cancelled = True
            await uninterrupted(self._sandbox.end(self._there, self._request.marker))
        await asyncio.wait({self.life}, timeout=GRACE)
        self.life.cancel()

    async def wait(self) -> CommandResult:
        """See `RunningCommand.wait`."""
        return await asyncio.shield(self.life)

    async def _live(self) -> CommandResult:
        code, late, output, state = await self._sandbox.run(self._there, self._request, self._timeout)
        if output:
            self._on_output(re.sub(rb"(?<!\r)\n", b"\r\n", output))
        outcome = Outcome.CANCELLED if self._cancelled else Outcome.TIMED_OUT if late else Outcome.EXITED
        return CommandResult(
            outcome=outcome,
            exit_code=code if outcome is Outcome.EXITED else None,
            signal=None,
            duration=asyncio.get_running_loop().time() - self._began,
            state=state if outcome is Outcome.EXITED else self._request.state,
        )


def _program(request: CommandRequest, root: str) -> str:
    """What the shell there reads: the state before, the line, and how the state after is told."""
    before, here = request.state, str(request.workspace)
    save = (
        f"__stigmer_save() {{ {{ printf '\\000{STATE}\\000end\\000%s\\000%s\\000' \"$1\" \"$PWD\"; env -0; printf '\\000{END}\\000'; }} "
        ">\"$STIGMER_KEPT/state\" 2>/dev/null; }\ntrap '__stigmer_save $?' EXIT"
    )
    directory = _moved(before.directory, here, root)
    lines = [
        *_exports(request.environment),
        *(f"unset {name}" for name in before.removed if can_carry(name, "")),
        *_exports({name: value for name, value in before.variables.items() if can_carry(name, value)}),
        f"cd {shlex.quote(directory)} 2>/dev/null || cd {shlex.quote(root)}",
        save,
        f"eval {shlex.quote(request.line)}\n",
    ]
    return "\n".join(lines)


def _exports(variables: Mapping[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items() if _NAME.match(name)]


def _after(said: bytes, request: CommandRequest, root: str) -> ShellState:
    report = parse(said)
    if report is None:
        return request.state
    own = {**request.environment, **dict.fromkeys((*_OF_THERE, "STIGMER_KEPT"), "")}
    directory = _moved(report.directory, root, str(request.workspace))
    return state_after(directory, report.exported, given={}, injected=own)


def _moved(directory: str, source: str, target: str) -> str:
    """The same directory on the other side, where it is in the workspace; else as it is."""
    if directory == source or directory.startswith(f"{source}/"):
        return target + directory[len(source) :]
    return directory


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")
