"""What a program may ask of us, by the methods of the protocol."""

import asyncio
import json
from collections.abc import Mapping, Sequence

from acp import RequestError
from acp.interfaces import Agent as AcpAgent
from acp.interfaces import Client as AcpClient
from acp.schema import (
    AllowedOutcome,
    CreateElicitationResponse,
    CreateTerminalResponse,
    DeniedOutcome,
    ElicitationMode,
    EnvVariable,
    KillTerminalResponse,
    PermissionOption,
    ReadTextFileResponse,
    ReleaseTerminalResponse,
    RequestPermissionResponse,
    TerminalExitStatus,
    TerminalOutputResponse,
    ToolCallUpdate,
    WaitForTerminalExitResponse,
    WriteTextFileResponse,
)

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_runner.acp.approvals import INTERRUPTED
from stigmer_runner.acp.files import WriteFile, read_text, window
from stigmer_runner.acp.permissions import Gate, OwnCall
from stigmer_runner.acp.telling import Calls, Told, Update, arguments_of
from stigmer_runner.acp.terminals import NoTerminal, Terminal, Terminals, command_line
from stigmer_runner.errors import RunnerError
from stigmer_runner.loop.showing import shown_arguments
from stigmer_runner.tools.files.read import Read
from stigmer_runner.tools.interface import Arguments, Tool, ToolContext
from stigmer_runner.tools.shell.commands import Shell

_REFUSED = -32000


class ProgramClient(AcpClient):
    """Answers a program, while a prompt of it goes on. `told` is that prompt's."""

    def __init__(self, gate: Gate, terminals: Terminals, calls: Calls) -> None:
        self._gate = gate
        self._terminals = terminals
        self._calls = calls
        self.told: Told | None = None
        self.turn_id = ""
        """The person's message that began the turn: undo goes by it."""

    async def session_update(self, session_id: str, update: Update, **kwargs: object) -> None:
        """Tell it. What comes between two prompts is nobody's turn, and is passed over."""
        if self.told is not None:
            self.told.update(update)

    async def request_permission(
        self, session_id: str, tool_call: ToolCallUpdate, options: list[PermissionOption], **kwargs: object
    ) -> RequestPermissionResponse:
        """Policy, then the person. Only this once is ever allowed: what holds for longer is kept here, not by the program."""
        told = self._prompted()
        call_id = told.call(tool_call)
        arguments: Mapping[str, object] = {"call": arguments_of(tool_call), "shown": _contents(tool_call)}
        allowed, reason = await self._gate.allows(self._record, call_id, OwnCall(tool_call.kind or "other"), arguments)
        kinds = ("allow_once",) if allowed else ("reject_once", "reject_always")
        chosen = next((option for kind in kinds for option in options if option.kind == kind), None)
        if chosen is None or (not allowed and reason == INTERRUPTED):
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=chosen.option_id))

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **kwargs: object
    ) -> ReadTextFileResponse:
        """A file of the workspace."""
        call_id = self._requested("read", {"path": path})
        await self._allowed(call_id, Read(), {"path": path})
        self._record((ev.Event(tool_call_started=ev.ToolCallStarted(call_id=call_id)),))
        session = self._gate.session
        try:
            content = await asyncio.to_thread(read_text, session.files_of(path), path)
        except (RunnerError, OSError) as error:
            raise self._failed(call_id, str(error)) from error
        self._finished(call_id, f"{len(content)} characters")
        return ReadTextFileResponse(content=session.redactor.text(window(content, line, limit)))

    async def write_text_file(
        self, session_id: str, path: str, content: str, **kwargs: object
    ) -> WriteTextFileResponse | None:
        """Write a file of the workspace whole."""
        tool, arguments = WriteFile(), {"path": path, "content": content}
        call_id = self._requested("write", arguments)
        await self._allowed(call_id, tool, arguments)
        self._record((ev.Event(tool_call_started=ev.ToolCallStarted(call_id=call_id)),))
        context = ToolContext(
            call_id=call_id,
            session=self._gate.session,
            message_id=self.turn_id,
            policy=self._gate.policy,
            record=lambda event: self._record((event,)),
        )
        result = await tool.call(context, tool.check(arguments))
        if result.is_error:
            raise self._failed(call_id, result.text)
        self._finished(call_id, result.text)
        return WriteTextFileResponse()

    async def create_terminal(
        self,
        session_id: str,
        command: str,
        args: list[str] | None = None,
        env: list[EnvVariable] | None = None,
        cwd: str | None = None,
        output_byte_limit: int | None = None,
        **kwargs: object,
    ) -> CreateTerminalResponse:
        """Run a command in our sandbox."""
        environment = {each.name: each.value for each in env or ()}
        directory = cwd if cwd and cwd != str(self._gate.session.workspace) else ""
        line = command_line(command, args or (), environment, directory)
        call_id = self._requested("shell", {"command": line})
        await self._allowed(call_id, Shell(), {"command": line, "background": True})
        try:
            terminal = await self._terminals.start(self._record, call_id, line, output_byte_limit)
        except RunnerError as error:
            raise RequestError(_REFUSED, str(error)) from error
        return CreateTerminalResponse(terminal_id=terminal.command.terminal_id)

    async def terminal_output(self, session_id: str, terminal_id: str, **kwargs: object) -> TerminalOutputResponse:
        """What it printed so far."""
        terminal = self._terminal(terminal_id)
        ended = terminal.exit()
        status = None if ended is None else TerminalExitStatus(exit_code=ended[0], signal=ended[1])
        text = bytes(terminal.output).decode("utf-8", "replace").replace("\r\n", "\n")
        return TerminalOutputResponse(output=text, truncated=terminal.truncated, exit_status=status)

    async def wait_for_terminal_exit(
        self, session_id: str, terminal_id: str, **kwargs: object
    ) -> WaitForTerminalExitResponse:
        """Wait for its end."""
        terminal = self._terminal(terminal_id)
        await terminal.ended.wait()
        code, signal = terminal.exit() or (None, None)
        return WaitForTerminalExitResponse(exit_code=code, signal=signal)

    async def kill_terminal(self, session_id: str, terminal_id: str, **kwargs: object) -> KillTerminalResponse | None:
        """End what runs in it."""
        await self._terminal(terminal_id).command.kill()
        return KillTerminalResponse()

    async def release_terminal(
        self, session_id: str, terminal_id: str, **kwargs: object
    ) -> ReleaseTerminalResponse | None:
        """End it and forget it."""
        self._terminal(terminal_id)
        await self._terminals.release(terminal_id)
        return ReleaseTerminalResponse()

    async def create_elicitation(
        self, message: str, mode: ElicitationMode, **kwargs: object
    ) -> CreateElicitationResponse:
        """Not offered."""
        raise RequestError.method_not_found("elicitation/create")

    async def complete_elicitation(self, elicitation_id: str, **kwargs: object) -> None:
        """Not offered."""

    async def ext_method(self, method: str, params: dict[str, object]) -> dict[str, object]:
        """There are none."""
        raise RequestError.method_not_found(f"_{method}")

    async def ext_notification(self, method: str, params: dict[str, object]) -> None:
        """They are passed over."""

    def on_connect(self, conn: AcpAgent) -> None:
        """Connected."""

    def _prompted(self) -> Told:
        if self.told is None:
            raise RequestError(_REFUSED, "nothing is wanted of you now: wait for a prompt")
        return self.told

    def _record(self, events: Sequence[ev.Event]) -> None:
        if self.told is not None:
            self.told.tell(*events)

    def _requested(self, name: str, arguments: Mapping[str, object]) -> str:
        """Tell that the program wants something of ours; the call's id."""
        told = self._prompted()
        told.end("")
        call_id = self._calls.fresh()
        asked = ev.ToolCallRequested(call_id=call_id, message_id=told.message_id, name=name)
        asked.args.CopyFrom(shown_arguments(self._gate.session.redactor.text(json.dumps(arguments))))
        told.tell(ev.Event(tool_call_requested=asked))
        return call_id

    async def _allowed(self, call_id: str, tool: Tool, arguments: Arguments) -> None:
        allowed, reason = await self._gate.allows(self._record, call_id, tool, arguments)
        if not allowed:
            raise self._failed(call_id, reason, outcome=ev.TOOL_OUTCOME_NOT_STARTED)

    def _finished(self, call_id: str, result: str) -> None:
        finished = ev.ToolCallFinished(call_id=call_id, outcome=ev.TOOL_OUTCOME_ENDED, result=result)
        self._record((ev.Event(tool_call_finished=finished),))

    def _failed(
        self, call_id: str, error: str, *, outcome: ev.ToolOutcome.ValueType = ev.TOOL_OUTCOME_ENDED
    ) -> RequestError:
        finished = ev.ToolCallFinished(call_id=call_id, outcome=outcome, error=error)
        self._record((ev.Event(tool_call_finished=finished),))
        return RequestError(_REFUSED, error)

    def _terminal(self, terminal_id: str) -> Terminal:
        try:
            return self._terminals.find(terminal_id)
        except NoTerminal as error:
            raise RequestError(_REFUSED, str(error)) from error


def _contents(update: ToolCallUpdate) -> Sequence[object]:
    return [part.model_dump(mode="json", exclude_none=True) for part in update.content or ()]
