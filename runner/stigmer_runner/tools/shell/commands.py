"""The tools that run command lines for a model."""

import asyncio
import os
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.errors import ShellStateBroken
from stigmer_runner.finishing import uninterrupted
from stigmer_runner.policy.commands import ParsedLine, parse
from stigmer_runner.policy.protected import present
from stigmer_runner.policy.subject import Subject
from stigmer_runner.sandbox import CommandRequest, InputRefused, InputWait, Outcome
from stigmer_runner.tools.arguments import Parameter, Signature, decimal, flag, text, whole
from stigmer_runner.tools.interface import Arguments, CommandDetails, Effect, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.session import ToolSession
from stigmer_runner.tools.shell.handles import ModelCommand, terminal_of
from stigmer_runner.tools.shell.plain_text import plain
from stigmer_runner.tools.shell.telling import described
from stigmer_runner.tools.tool import BaseTool
from stigmer_runner.tools.web.proxy import VARIABLES as PROXY_VARIABLES
from stigmer_runner.tools.web.proxy import HostProxy

HEAD_BYTES = 12 * 1024
TAIL_BYTES = 20 * 1024
"""Of a long output a model is told so much of the beginning and of the end."""
WAIT_SECONDS = 60.0
"""After so long a command goes on in the background, where the model does not say otherwise."""
SETTLE_SECONDS = 1.0
"""A command that is started for the background is waited for so long, to see whether it fails at once."""
NAME = "shell"

QUIET = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GH_PAGER": "cat",
    "MANPAGER": "cat",
    "SYSTEMD_PAGER": "cat",
    "GIT_EDITOR": ":",
    "GIT_SEQUENCE_EDITOR": ":",
    "GIT_TERMINAL_PROMPT": "0",
    "DEBIAN_FRONTEND": "noninteractive",
}
"""What keeps programs from asking a model: no pagers, no editors, no questions."""


class Shell(BaseTool):
    """`shell`."""

    signature = Signature(
        NAME,
        "Run a command line in bash, in a terminal, at the directory and with the exported variables that the last one left. "
        "You get the output, its beginning and end where it is long (`read_output` has the rest). A command that takes longer "
        "than `wait` seconds goes on in the background under an id: see `shell_wait`, `shell_input`, `shell_kill`. Start "
        "servers and watchers with `background`. There is no network unless the person opened it.",
        (
            Parameter("command", "string", "The command line.", required=True, most=64 * 1024),
            Parameter("wait", "number", "Seconds to wait for its end.", default=WAIT_SECONDS, least=0, most=600),
            Parameter(
                "timeout",
                "number",
                "Seconds after which it is ended; 0 for the longest allowed.",
                default=0,
                least=0,
                most=86_400,
            ),
            Parameter("background", "boolean", "Do not wait for its end; no timeout.", default=False),
        ),
    )
    effect = Effect.EXECUTE
    parallel = False

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        line = text(arguments, "command")
        background = "\n(in the background)" if flag(arguments, "background") else ""
        where = "" if standing.directory == str(standing.workspace) else f"\n(in {standing.directory})"
        walls = f"\n({standing.remark})" if standing.remark else ""
        return Subject(f"{line}{background}{where}{walls}", line=line, parsed=parse(line))

    async def expect(self, context: ToolContext, arguments: Arguments) -> None:
        """See `interface.Expects`."""
        session = context.session
        if session.network_of(context.policy) == Network.MODE_HOSTS:
            return  # what such a command has in place of the network is opened with it
        protected = present(session.workspace)
        await session.place.sandbox.expect(self._request(context, arguments, protected, None))

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        session, background = context.session, flag(arguments, "background")
        command = await self._start(context, arguments)
        wait = SETTLE_SECONDS if background else decimal(arguments, "wait")
        try:
            await command.until_settled(wait, session.place.patience)
        except asyncio.CancelledError:
            await uninterrupted(command.kill())
            raise
        if command.result is None:
            command.background = True
        else:
            await self._keep_state(session, command)
        return ToolResult(told(command, new_protected(session, command)), details=details(command))

    async def _start(self, context: ToolContext, arguments: Arguments) -> ModelCommand:
        session = context.session
        line = text(arguments, "command")
        command = ModelCommand(
            context.call_id,
            line,
            session.redactor.stream(),
            session.handles.spool(context.call_id),
            lambda event: self.tell(context, event),
        )
        session.handles.add(command)
        command.way_out = session.way_out(context.policy, command.refuse)
        command.protected_before = present(session.workspace)
        request = self._request(context, arguments, command.protected_before, command.way_out)
        session.terminals.expect(command.terminal_id)
        try:
            running, interrupted = await uninterrupted(session.place.sandbox.start(request, command.output))
        except BaseException:
            session.terminals.forget(command.terminal_id)
            await uninterrupted(session.handles.discard(command))
            raise
        session.open_terminal(command, running)
        if interrupted:
            await uninterrupted(command.kill())
            raise asyncio.CancelledError
        return command

    def _request(
        self, context: ToolContext, arguments: Arguments, protected: tuple[Path, ...], way: HostProxy | None
    ) -> CommandRequest:
        session, place = context.session, context.session.place
        timeout = decimal(arguments, "timeout") or place.command_timeout
        return CommandRequest(
            line=text(arguments, "command"),
            workspace=session.workspace,
            state=session.states.current(place.session_id),
            marker=f"{place.marker_prefix}{place.execution_id}:{context.call_id.replace('/', ':')}"[:200],
            environment={**QUIET, **(PROXY_VARIABLES if way else {}), **place.environment},
            columns=session.terminals.columns,
            rows=session.terminals.rows,
            network=session.network_of(context.policy) == Network.MODE_OPEN,
            timeout=None if flag(arguments, "background") else timeout,
            scratch=place.scratch,
            read_only=protected,
            shown=place.shown,
            limits=place.limits,
            listening=way.listening if way else None,
            ahead=session.commands_owner,
        )

    async def _keep_state(self, session: ToolSession, command: ModelCommand) -> None:
        assert command.result is not None
        if command.result.outcome in (Outcome.EXITED, Outcome.SIGNALLED):
            try:
                await session.states.save(session.place.session_id, command.result.state)
            except ShellStateBroken as error:
                raise ToolError(f"it ran, but {error}") from error


class ShellInput(BaseTool):
    """`shell_input`."""

    signature = Signature(
        "shell_input",
        "Type into a command that runs in the background, and see what it says. Control characters are given as text of their "
        "own: `\\u0003` is Ctrl+C, `\\u0004` ends the input.",
        (
            Parameter("id", "string", "The id of the command.", required=True, most=200),
            Parameter("text", "string", "What to type.", required=True, most=16 * 1024),
            Parameter("enter", "boolean", "Press Enter after it.", default=True),
            Parameter("wait", "number", "Seconds to wait for an answer.", default=2, least=0, most=60),
        ),
    )
    effect = Effect.EXECUTE
    parallel = False

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        typed = text(arguments, "text")
        parsed = ParsedLine((), "it is typed into a program that runs")
        return Subject(f"type into {text(arguments, 'id')}:\n{typed}", line=typed, parsed=parsed)

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        command = context.session.handles.find(text(arguments, "id"))
        if not command.running:
            raise ToolError(f"{command.terminal_id} has ended: {ending(command)}")
        typed = text(arguments, "text") + ("\r" if arguments.get("enter", True) is True else "")
        if command.waits is InputWait.PASSWORD:
            raise ToolError("it waits for a password, which only the person types: ask them to, in the terminal")
        command.changed.clear()
        try:
            command.command.write(typed.encode())
        except InputRefused as error:
            raise ToolError(str(error)) from error
        await command.until_changed(decimal(arguments, "wait"))
        return ToolResult(news(command), details=details(command))


class ShellWait(BaseTool):
    """`shell_wait`."""

    signature = Signature(
        "shell_wait",
        "Wait for a command that runs in the background, and see what it said since you last heard of it.",
        (
            Parameter("id", "string", "The id of the command.", required=True, most=200),
            Parameter("seconds", "number", "How long at most.", default=30, least=0, most=600),
        ),
    )
    effect = Effect.READ
    parallel = False

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        return Subject(f"wait for {text(arguments, 'id')}")

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        command = context.session.handles.find(text(arguments, "id"))
        if command.running:
            command.changed.clear()  # where it waits for input already, the person may be about to give it
        await command.until_changed(decimal(arguments, "seconds"))
        return ToolResult(news(command), details=details(command))


class ShellKill(BaseTool):
    """`shell_kill`."""

    signature = Signature(
        "shell_kill",
        "End a command that runs in the background, with everything that it started.",
        (Parameter("id", "string", "The id of the command.", required=True, most=200),),
    )
    effect = Effect.NONE
    parallel = False

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        return Subject(f"end {text(arguments, 'id')}")

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        command = context.session.handles.find(text(arguments, "id"))
        if command.running:
            await uninterrupted(command.kill())
        return ToolResult(news(command), details=details(command))


class ShellList(BaseTool):
    """`shell_list`."""

    signature = Signature("shell_list", "List the commands that run in the background, and those that ended lately.")
    effect = Effect.READ

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        return Subject("list the commands in the background")

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        lines = [
            f"{each.terminal_id}: {ending(each)}, {each.spool.total:,} bytes of output: {each.line.splitlines()[0][:200] if each.line.strip() else ''}"
            for each in context.session.handles.all()
        ]
        return ToolResult("\n".join(lines) or "No command was started.")


class ReadOutput(BaseTool):
    """`read_output`."""

    signature = Signature(
        "read_output",
        "Read a part of the output of a command, by bytes: for what was left out of a long one.",
        (
            Parameter("id", "string", "The id of the command.", required=True, most=200),
            Parameter("offset", "integer", "The first byte, from 0.", default=0, least=0, most=2**50),
            Parameter("length", "integer", "How many bytes.", default=HEAD_BYTES, least=1, most=64 * 1024),
        ),
    )
    effect = Effect.READ

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        return Subject(f"read the output of {text(arguments, 'id')}")

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        command = context.session.handles.find(text(arguments, "id"))
        offset, spool = whole(arguments, "offset"), command.spool
        data = await asyncio.to_thread(spool.read, offset, whole(arguments, "length"))
        if not data:
            raise ToolError(
                f"there is nothing at byte {offset:,}: {spool.kept:,} of {spool.total:,} bytes are kept from the beginning on"
            )
        return ToolResult(f"{plain(data)}\n(bytes {offset:,} to {offset + len(data):,} of {spool.total:,})")


def told(command: ModelCommand, planted: tuple[str, ...] = ()) -> str:
    """All that a model is told of a command at first."""
    head, left, tail = command.spool.ends(HEAD_BYTES, TAIL_BYTES)
    command.seen = command.spool.total
    if left:
        middle = f"\n... {left:,} bytes are left out here; `read_output` of {command.terminal_id} from offset {len(head)} has them ...\n"
        said = f"{plain(head)}{middle}{plain(tail)}"
    else:
        said = plain(head + tail)
    remarks = [ending(command), *_by_person(command)]
    if command.refused:
        remarks.append(f"the policy does not open {', '.join(command.refused[:5])}")
    if planted:
        remarks.append(
            f"it made or changed {', '.join(planted)}, which runs by itself or instructs others: the person was told"
        )
    return f"{said.rstrip()}\n({'; '.join(remarks)})".lstrip("\n")


def news(command: ModelCommand) -> str:
    """What a command said since the model last heard of it."""
    data, left = command.spool.since(command.seen, TAIL_BYTES)
    start = command.seen
    command.seen = command.spool.total
    before = f"... {left:,} bytes are left out here; `read_output` from offset {start} has them ...\n" if left else ""
    remarks = "; ".join([ending(command), *_by_person(command)])
    return f"{before}{plain(data).rstrip()}\n({remarks})".lstrip("\n")


def _by_person(command: ModelCommand) -> list[str]:
    """That a person typed into it, once; what they typed is not known here, but for what the program echoed."""
    typed, command.person_typed = command.person_typed, False
    return ["the person typed into its terminal meanwhile"] if typed else []


def ending(command: ModelCommand) -> str:
    """How a command ended, or that it did not."""
    result = command.result
    if result is None:
        match command.waits:
            case InputWait.PASSWORD:
                return f"it waits for a password, which only the person can type, and goes on as {command.terminal_id}"
            case InputWait.KEY:
                return (
                    f"it waits for keys, as a pager or an editor does, and goes on as {command.terminal_id}; "
                    "type them with `shell_input`, or end it with `shell_kill` and use a program that needs none"
                )
            case None:
                return f"it goes on in the background as {command.terminal_id}"
            case _:
                return f"it waits for input and goes on as {command.terminal_id}; answer with `shell_input`, or end it with `shell_kill`"
    words: list[str] = []
    match result.outcome:
        case Outcome.EXITED:
            words.append(f"exit code {result.exit_code}")
        case Outcome.SIGNALLED:
            words.append(f"ended by signal {result.signal}")
        case Outcome.CANCELLED:
            words.append("it was ended" if not result.limit else "it was ended by Stigmer")
        case Outcome.TIMED_OUT:
            words.append("its time was up and it was ended")
    if result.limit:
        words.append(result.limit)
    if result.duration >= 1:
        words.append(f"{result.duration:.1f} s")
    if result.background_left:
        words.append("what it left in the background was ended with it: use `background` for what is to go on")
    return ", ".join(words)


def details(command: ModelCommand) -> CommandDetails:
    """What the event of the call's end says."""
    return CommandDetails(
        terminal_id=command.terminal_id,
        result=command.result,
        background_id="" if command.result is not None else command.terminal_id,
        output_bytes=command.spool.total,
    )


def new_protected(session: ToolSession, command: ModelCommand) -> tuple[str, ...]:
    """Files that run by themselves and that are there since the command; the person is told."""
    before = set(command.protected_before)
    fresh = [place for place in present(session.workspace) if place not in before]
    names = tuple(os.path.relpath(place, session.workspace) for place in fresh)
    if names:
        command.warn(
            f"This command made {', '.join(names)}, which runs by itself, or instructs whoever comes next. Look at it before you go on."
        )
    return names


def fill_started(session: ToolSession, tool: str, policy: Policy, started: ev.ToolCallStarted) -> None:
    """Say in `started` which terminal a call of `tool` runs in, and behind which walls; nothing for other tools."""
    if tool != NAME:
        return
    started.terminal_id = terminal_of(started.call_id)
    started.sandbox.CopyFrom(
        described(session.place.sandbox.description, session.network_of(policy) != Network.MODE_CLOSED)
    )
    started.columns, started.rows = session.terminals.columns, session.terminals.rows
