"""Updates whose senders wait for what becomes of them."""

import asyncio
from collections.abc import Iterable

from stigmer_runner.engine.commands import AnswerUpdate, Command, Verdict
from stigmer_runner.engine.errors import UpdateRefused
from stigmer_runner.engine.payloads import decode


class Updates:
    """Sent by tasks, answered by the workflow."""

    def __init__(self) -> None:
        self._open: dict[str, asyncio.Future[object]] = {}
        self._over = False

    def send(self, update_id: str) -> "asyncio.Future[object]":
        """What becomes of it: what its handler returns, or `UpdateRefused`."""
        found = self._open.get(update_id)
        if found is not None:
            return found
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_seen)
        if self._over:
            answer.set_exception(UpdateRefused("the run is over"))
        else:
            self._open[update_id] = answer
        return answer

    def settle(self, commands: Iterable[Command]) -> None:
        """Tell the senders what the workflow answered."""
        for command in commands:
            if isinstance(command, AnswerUpdate) and command.verdict is not Verdict.ACCEPTED:
                self._settle(command)

    def known(self, update_id: str) -> None:
        """The workflow has taken this one before."""
        answer = self._open.pop(update_id, None)
        if answer is not None and not answer.done():
            answer.set_result(None)

    def close(self) -> None:
        """Refuse all that are open, and all to come."""
        self._over = True
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(UpdateRefused("the run is over"))
        self._open.clear()

    def _settle(self, command: AnswerUpdate) -> None:
        answer = self._open.pop(command.update_id, None)
        if answer is None or answer.done():
            return
        if command.verdict is Verdict.COMPLETED:
            value = None if command.value is None else decode((command.value,), ())[0]
            answer.set_result(value)
        else:
            answer.set_exception(UpdateRefused(command.reason))


def _seen(answer: "asyncio.Future[object]") -> None:
    """Whoever sent it need not wait for it."""
    if not answer.cancelled():
        answer.exception()


def refusal(update_id: str, commands: Iterable[Command]) -> str | None:
    """Why an update that was just told was refused by its validator; None where it was accepted."""
    for command in commands:
        if isinstance(command, AnswerUpdate) and command.update_id == update_id:
            return None if command.verdict is Verdict.ACCEPTED else command.reason
    return "the workflow gave no answer"
