"""What a person decides, answers and changes while a run goes on, from the screen to the server."""

import difflib
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from google.protobuf import json_format

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Approval
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import SessionApproval
from stigmer_apis.errors import InvalidArgument, StigmerError
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.transcript.decisions import Asked
from stigmer_tui.transcript.remarks import undone_words
from stigmer_tui.transcript.run_state import RunState

if TYPE_CHECKING:
    from stigmer_apis.client import Client

COMMANDS: Mapping[str, str] = {
    "/model": "NAME: another model from the next call on",
    "/policy": "read-only, ask or auto: what the agent may do by itself from the next tool call on",
    "/pause": "stop after the current step",
    "/resume": "go on",
    "/interrupt": "stop what the agent does now, and let it go on with what comes next",
    "/now": "TEXT: interrupt the agent with a message",
    "/undo": "put the files back as they were before the last turn that changed some",
    "/approvals": "what you approved for all of the session; `/approvals revoke ID`, or `revoke all`, takes it back",
    "/branch": "[TEXT]: a new session that shares the past with this one",
    "/help": "what can be written here",
}
"""What a line that begins with a slash means, in a run that a model drives."""

PRESETS = ("read-only", "ask", "auto")
_SHELL = "shell"


class Steering:
    """Sends what was decided; says what could not be done."""

    def __init__(
        self,
        workstation: Workstation,
        state: Callable[[], RunState],
        next_policy: Callable[[Policy], None] | None = None,
    ) -> None:
        """`next_policy`: told the policy of the run that the next message starts, where messages start runs."""
        self._workstation = workstation
        self._next_policy = next_policy
        self._state = state

    def decide(
        self,
        asked: Asked,
        approval: "Approval.ValueType",
        told: Callable[[bool], None],
        *,
        reason: str = "",
        edited: Mapping[str, object] | None = None,
    ) -> None:
        """Decide about a tool call; `told` is told whether it was taken."""
        execution_id = self._state().execution_id

        async def send(client: "Client") -> None:
            try:
                await client.steering.resolve_approval(
                    execution_id, asked.call_id, approval, binding=asked.binding, reason=reason, edited_args=edited
                )
            except StigmerError:
                told(False)
                raise

        told(True)
        self._run(send)

    def answer(self, text: str) -> bool:
        """Answer the oldest question with a text, or the number of an option. False where there is no question."""
        question = next(iter(self._state().decisions.questions.values()), None)
        if question is None:
            return False
        options = list(question.options)
        number = text.strip()
        if number.isdecimal() and 1 <= int(number) <= len(options):
            text = options[int(number) - 1]
        execution_id = self._state().execution_id
        self._run(lambda client: client.steering.answer(execution_id, text, question.attention_id))
        return True

    def command(self, line: str) -> bool:
        """Do what a line that begins with a slash means. False where it is a message like any other."""
        state = self._state()
        if not line.startswith("/") or "\n" in line or state.agent == _SHELL or not state.agent:
            return False
        name, _, rest = line.strip().partition(" ")
        if name not in COMMANDS:
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            nearest = f" Did you mean {near[0]}?" if near else ""
            self._workstation.say(f"There is no {name}.{nearest} /help lists what there is.", wrong=True)
        elif name == "/help":
            self._workstation.say("\n".join(f"{name} {words}" for name, words in COMMANDS.items()), whole=True)
        elif name in ("/model", "/policy", "/now") and not rest.strip():
            self._workstation.say(f"{name} {COMMANDS[name]}", wrong=True)
        else:
            self._run(self._meaning(name, rest.strip(), state))
        return True

    def _meaning(self, name: str, rest: str, state: RunState) -> "Callable[[Client], Awaitable[object]]":
        execution_id = state.execution_id

        async def branch(client: "Client") -> None:
            made = await client.steering.branch(execution_id, text=rest)
            self._workstation.open_run(made.execution_id)

        match name:
            case "/model":
                return lambda client: self._change_model(client, execution_id, rest)
            case "/policy" if self._next_policy is not None and not state.live:
                return partial(self._keep_policy, self._next_policy, rest)
            case "/policy":
                return lambda client: client.steering.change_policy(execution_id, Policy(preset=rest))
            case "/pause":
                return lambda client: client.steering.pause(execution_id)
            case "/resume":
                return lambda client: client.steering.resume(execution_id)
            case "/interrupt":
                return lambda client: client.steering.interrupt(execution_id)
            case "/now":
                return lambda client: client.send_message(execution_id, rest, now=True)
            case "/undo":
                return lambda client: undo(self._workstation, client, execution_id)
            case "/approvals":
                return lambda client: self._approvals(client, state.session_id, rest)
            case _:
                return branch

    async def _change_model(self, client: "Client", execution_id: str, name: str) -> None:
        if not await client.steering.change_model(execution_id, name):
            self._workstation.say(f"{name} answers from your next message on.")

    async def _keep_policy(self, keep: Callable[[Policy], None], preset: str, client: "Client") -> None:
        """The run is over: the policy is for the one that the next message starts."""
        if preset not in PRESETS:
            raise InvalidArgument(f"there is no policy {preset!r}", remedy=f"choose one of {', '.join(PRESETS)}")
        keep(Policy(preset=preset))
        self._workstation.say(f"Your next message starts a run under the policy {preset}.")

    async def _approvals(self, client: "Client", session_id: str, rest: str) -> None:
        """Tell what is approved for the session, or take it back."""
        verb, _, which = rest.partition(" ")
        if not verb:
            found = await client.steering.session_approvals(session_id)
            lines = [f"{each.id}  {each.tool}  {approved(each)}" for each in found]
            self._workstation.say("\n".join(lines) or "Nothing is approved for all of this session.", whole=True)
        elif verb == "revoke" and which.strip():
            gone = await client.steering.revoke_session_approval(
                session_id, "" if which.strip() == "all" else which.strip()
            )
            told = [f"{each.id} is taken back, from the session's next run on: {approved(each)}" for each in gone]
            self._workstation.say("\n".join(told) or "Nothing is approved for all of this session.")
        else:
            self._workstation.say(f"/approvals: {COMMANDS['/approvals']}", wrong=True)

    def _run(self, send: "Callable[[Client], Awaitable[object]]") -> None:
        self._workstation.run_worker(partial(self._sent, send))

    async def _sent(self, send: "Callable[[Client], Awaitable[object]]") -> None:
        client = await self._workstation.client()
        try:
            await send(client)
        except StigmerError as error:
            self._workstation.say_error(error)


async def undo(workstation: Workstation, client: "Client", execution_id: str, message_id: str = "") -> None:
    """Put the files of a turn back. Where the run has ended no event tells what came of it: then it is said here."""
    undone = await client.steering.undo_turn(execution_id, message_id)
    if not undone.command_id:
        workstation.say(undone_words(undone.paths, undone.left))


def approved(approval: SessionApproval) -> str:
    """What an approval lets through, on one line."""
    if approval.prefix:
        return f"commands that begin with `{' '.join(approval.prefix)}`"
    first, _, rest = approval.summary.partition("\n")
    return f"{first} …" if rest else first


def editable(asked: Asked, indent: int | None = None) -> str:
    """What a person edits of a call: its command line, else its arguments as JSON, over several lines with `indent`."""
    arguments = json_format.MessageToDict(asked.args)
    command = arguments.get("command")
    if asked.tool == _SHELL and isinstance(command, str):
        return command
    return json.dumps(arguments, ensure_ascii=False, indent=indent)


def edited_args(asked: Asked, text: str) -> Mapping[str, object]:
    """The arguments that an edited text means. Raises `InvalidArgument` for what is no JSON object."""
    arguments = json_format.MessageToDict(asked.args)
    if asked.tool == _SHELL and isinstance(arguments.get("command"), str):
        return {**arguments, "command": text}
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidArgument(
            f"the arguments are no JSON: {error.msg} at character {error.pos + 1}", remedy="write one JSON object"
        ) from error
    if not isinstance(found, dict):
        raise InvalidArgument("the arguments are no JSON object", remedy='write it as {"name": value, …}')
    return cast("dict[str, object]", found)
