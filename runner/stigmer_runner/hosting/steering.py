"""What persons want of a model-driven run, as its signals and updates."""

import base64
import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.models.port import Image
from stigmer_runner.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from stigmer_runner.engine.port import Commanded, Run


class Steering:
    """Hands commands to a run and to its sub-agents'. `reject` answers those that nobody can take; `answered` takes answers to
    what activities ask, and `applied` says that one was taken."""

    def __init__(
        self,
        execution_id: str,
        run: "Run",
        reject: Callable[[str, str], None],
        answered: Callable[[str, str], bool],
        applied: Callable[[str], None],
        policy_of: Callable[[Policy], Policy] = lambda policy: policy,
    ) -> None:
        """`policy_of`: what a run may do, where a person gives it another policy; raises `SandboxError` where it cannot have it."""
        self._policy_of = policy_of
        self._execution_id = execution_id
        self._run = run
        self._reject = reject
        self._answered = answered
        self._applied = applied
        self._early: deque[CommandIssued] = deque()
        self._live = False
        run.when_live(self._began)

    def take(self, command: CommandIssued) -> None:
        """Hand a command over. What was taken before is passed over by the run."""
        if not self._live and _target(command):
            self._early.append(command)
            return
        run, command_id = self._run, command.command_id
        match command.WhichOneof("command"):
            case "cancel":
                run.cancel(command.cancel.reason, command_id=command_id)
            case "send_message":
                self._send(command)
            case "pause":
                run.signal("pause", command_id=command_id)
            case "resume":
                run.signal("resume", command_id=command_id)
            case "interrupt":
                run.signal("interrupt", command.interrupt.reason, command_id=command_id)
            case "change_model":
                run.signal("change_model", command.change_model.model, command_id=command_id)
            case "change_policy":
                self._change_policy(command)
            case "undo_turn":
                run.update("undo_turn", command.undo_turn.message_id, command_id=command_id)
            case "withdraw_message":
                run.update("withdraw_message", command.withdraw_message.sent_by, command_id=command_id)
            case "resolve_approval" | "answer":
                self._decide(command)
            case other:
                self._reject(command_id, f"an agent does not know what to do with `{other}`")

    def _change_policy(self, command: CommandIssued) -> None:
        try:
            policy = self._policy_of(command.change_policy.policy)
        except SandboxError as error:
            self._reject(command.command_id, str(error))
            return
        encoded = base64.b64encode(policy.SerializeToString()).decode()
        self._run.signal("change_policy", encoded, command_id=command.command_id)

    def _send(self, command: CommandIssued) -> None:
        given = command.send_message
        texts = [given.text]
        pictures: list[str] = []
        for each in given.attachments:
            if each.media_type.startswith("image/"):
                pictures.append(json.dumps(asdict(Image.of(each.media_type, each.data, each.name))))
            else:
                texts.append(f"[attached: {each.name}]\n{each.data.decode('utf-8', 'replace')}")
        text = "\n\n".join(texts).encode()
        self._run.signal("send_message", text, command.command_id, given.now, pictures, command_id=command.command_id)

    def _decide(self, command: CommandIssued) -> None:
        if command.HasField("answer") and self._answered(command.answer.attention_id, command.answer.text):
            self._applied(command.command_id)
            return
        run = self._run_of(_target(command))
        if run is None:
            self._reject(command.command_id, "the sub-agent that asked has ended")
        elif command.HasField("answer"):
            given = command.answer
            run.update("answer", given.attention_id, given.text, command_id=command.command_id)
        else:
            given = command.resolve_approval
            edited = json.dumps(MessageToDict(given.edited_args)) if given.HasField("edited_args") else ""
            run.update(
                "resolve_approval",
                given.call_id,
                given.approval,
                given.reason,
                given.binding.hex(),
                edited,
                command_id=command.command_id,
            )

    def _run_of(self, sub_agent_id: str) -> "Commanded | None":
        if not sub_agent_id:
            return self._run
        return self._run.child(f"{self._execution_id}/{sub_agent_id}")

    def _began(self) -> None:
        """The run has been replayed, and its sub-agents live."""
        self._live = True
        while self._early:
            self.take(self._early.popleft())


def _target(command: CommandIssued) -> str:
    """The sub-agent that a command is for: ids of what it asks begin with its own."""
    sub_agent_id, slash, _ = (command.resolve_approval.call_id or command.answer.attention_id).partition("/")
    return sub_agent_id if slash else ""
