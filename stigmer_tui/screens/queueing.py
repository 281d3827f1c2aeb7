"""Messages that wait for their turn: taken back, put in another order, sent at once."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from stigmer_apis.errors import FailedPrecondition, StigmerError
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.transcript.run_state import RunState
from stigmer_tui.widgets.composer.bar import ComposerBar

if TYPE_CHECKING:
    from stigmer_apis.client import Client


class Queueing:
    """Carries out what is asked of the list of messages. A message is changed by withdrawing it and sending another."""

    def __init__(self, workstation: Workstation, state: Callable[[], RunState], bar: Callable[[], ComposerBar]) -> None:
        self._workstation = workstation
        self._state = state
        self._bar = bar
        self._withdrawn: tuple[str, tuple[str, ...]] | None = None
        """The message that was withdrawn last and is nowhere else, and those that stood behind it."""

    def show(self) -> None:
        """Show what waits."""
        self._bar().queue.show(self._state().queued)

    def ask(self, what: str) -> None:
        """Do what an action of the list, or one of the composer about it, is called."""
        queue, ids = self._bar().queue, list(self._state().queued)
        if what == "leave":
            self._workstation.screen.set_focus(self._bar().composer)
        elif what == "undo":
            self._undo()
        elif what == "take_back" and not ids and self._withdrawn is not None:
            self._write_withdrawn(self._withdrawn[0])
        elif not ids:
            self._workstation.say("No message waits.")
        elif what == "queue":
            self._workstation.screen.set_focus(queue)
        elif what == "take_back":
            self._run(lambda client: self._edit(client, ids[-1]))
        elif queue.selected in ids:
            self._of_selected(what, queue.selected, ids)

    def _of_selected(self, what: str, selected: str, ids: Sequence[str]) -> None:
        place = ids.index(selected)
        if what in ("earlier", "later"):
            self._bar().queue.follow(self._state().queued[selected])
        match what:
            case "edit":
                self._run(lambda client: self._edit(client, selected))
            case "withdraw":
                self._run(lambda client: self._withdraw_only(client, selected))
            case "now":
                self._run(lambda client: self._send_now(client, selected))
            case "earlier" if place > 0:
                order = [*ids[: place - 1], selected, ids[place - 1], *ids[place + 1 :]]
                self._run(lambda client: self._reorder(client, ids[place - 1 :], order[place - 1 :]))
            case "later" if place < len(ids) - 1:
                order = [*ids[:place], ids[place + 1], selected, *ids[place + 2 :]]
                self._run(lambda client: self._reorder(client, ids[place:], order[place:]))
            case _:
                return

    async def _edit(self, client: "Client", sent_by: str) -> None:
        text = await self._withdraw(client, sent_by)
        composer = self._bar().composer
        composer.write(f"{text}\n{composer.whole_text}" if composer.text else text)
        self._workstation.screen.set_focus(composer)

    async def _withdraw_only(self, client: "Client", sent_by: str) -> None:
        ids = list(self._state().queued)
        text = await self._withdraw(client, sent_by)
        self._withdrawn = text, tuple(ids[ids.index(sent_by) + 1 :])
        others = len(ids) > 1
        self._workstation.say(f"Withdrawn. {'u' if others else 'alt+up'} brings it back.")

    def _undo(self) -> None:
        if self._withdrawn is None:
            self._workstation.say("No message was withdrawn here.")
        else:
            (text, behind), self._withdrawn = self._withdrawn, None
            self._run(lambda client: self._put_back(client, text, behind))

    async def _put_back(self, client: "Client", text: str, behind: Sequence[str]) -> None:
        """Send it again, before those that stood behind it."""
        waiting = [sent_by for sent_by in self._state().queued if sent_by in behind]
        texts: list[str] = []
        try:
            for sent_by in reversed(waiting):
                texts.insert(0, await self._withdraw(client, sent_by))
        finally:
            for each in (text, *texts):
                await self._send(client, each)

    def _write_withdrawn(self, text: str) -> None:
        self._withdrawn = None
        composer = self._bar().composer
        composer.write(f"{text}\n{composer.whole_text}" if composer.text else text)

    async def _send_now(self, client: "Client", sent_by: str) -> None:
        text = await self._withdraw(client, sent_by)
        await self._send(client, text, now=True)

    async def _reorder(self, client: "Client", old: Sequence[str], new: Sequence[str]) -> None:
        """Withdraw the messages from the last to the first, so that none is overtaken, and send them in the new order."""
        texts: dict[str, str] = {}
        try:
            for sent_by in reversed(old):
                texts[sent_by] = await self._withdraw(client, sent_by)
        finally:
            for sent_by in new:
                if sent_by in texts:
                    await self._send(client, texts[sent_by])

    async def _withdraw(self, client: "Client", sent_by: str) -> str:
        state = self._state()
        text = state.queued[sent_by]
        await client.steering.withdraw_message(state.execution_id, sent_by)
        return text

    async def _send(self, client: "Client", text: str, *, now: bool = False) -> None:
        """Send a message that was withdrawn; where the run has ended, it is written again where one writes."""
        try:
            await client.send_message(self._state().execution_id, text, now=now)
        except FailedPrecondition:
            self._bar().composer.write(text)
            raise

    def _run(self, change: "Callable[[Client], Awaitable[object]]") -> None:
        self._workstation.run_worker(partial(self._done, change))

    async def _done(self, change: "Callable[[Client], Awaitable[object]]") -> None:
        client = await self._workstation.client()
        try:
            await change(client)
        except StigmerError as error:
            self._workstation.say_error(error)
