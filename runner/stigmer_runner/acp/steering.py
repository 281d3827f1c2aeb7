"""What persons want of a run of a program."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_runner.acp.approvals import LiveApprovals
from stigmer_runner.hosting.steering import Steering

if TYPE_CHECKING:
    from stigmer_runner.engine.port import Run

NOT_FOR_PROGRAMS = {
    "change_model": "the agent is a program of its own, which chooses its model itself",
    "change_policy": "the policy of a program is what it was started with: start another run",
}


class ProgramSteering(Steering):
    """Decisions go to what waits in the prompt; the rest is as for every agent."""

    def __init__(
        self,
        execution_id: str,
        run: "Run",
        reject: Callable[[str, str], None],
        applied: Callable[[str], None],
        approvals: LiveApprovals,
    ) -> None:
        super().__init__(execution_id, run, reject, lambda _id, _text: False, applied)
        self._refuse = reject
        self._taken = applied
        self._approvals = approvals

    def take(self, command: CommandIssued) -> None:
        """Hand a command over."""
        kind = command.WhichOneof("command") or ""
        if kind in NOT_FOR_PROGRAMS:
            self._refuse(command.command_id, NOT_FOR_PROGRAMS[kind])
        elif kind == "resolve_approval":
            refusal = self._approvals.resolve(command.resolve_approval)
            if refusal:
                self._refuse(command.command_id, refusal)
            else:
                self._taken(command.command_id)
        else:
            super().take(command)
