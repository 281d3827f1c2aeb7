"""Deciding and answering from the board: one goes through the queue, and sees of each thing as much as the run itself would show."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import APPROVAL_ONCE, Approval
from stigmer_apis.errors import StigmerError
from stigmer_tui.screens.deciding import Deciding
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.transcript.decisions import Asked
from stigmer_tui.widgets.approval.card import Elsewhere
from stigmer_tui.widgets.approval.text import ShownText
from stigmer_tui.widgets.board.queue import Item, Queue
from stigmer_tui.widgets.line import Line
from stigmer_tui.widgets.prompt_line import PromptLine

if TYPE_CHECKING:
    from stigmer_apis.client import Client


class BoardDeciding:
    """The card, and the question, of the item that one is at. Neither is shown before somebody goes to it."""

    def __init__(
        self, workstation: Workstation, queue: Queue, back: Callable[[], None], go_on: Callable[[], None]
    ) -> None:
        """`back` puts the focus where the person was; `go_on` goes to what waits next."""
        self._workstation = workstation
        self._queue = queue
        self._back = back
        self._is_open = self._is_closing = False
        elsewhere = Elsewhere(
            queue.identical,
            self._answer_all,
            lambda asked: workstation.open_run(asked.execution_id),
            lambda _: go_on(),
        )
        self.deciding = Deciding(workstation, self, self._leave, elsewhere)
        self.question = QuestionCard(self._answer_question, self._leave)

    @property
    def is_open(self) -> bool:
        """Whether a card is shown."""
        return self._is_open or self.question.display

    def show(self, item: Item) -> bool:
        """Go to an item; the keys are its from now on. False for what is decided nowhere but in the run."""
        self.close()
        if item.asked is not None:
            self._is_open = True
            self.deciding.card.show(self._queue.asked())
            if not self.deciding.card.turn_to(item.asked.key):
                return False
            text = self.deciding.card.text
            text.screen.set_focus(text)
            return True
        if item.question is not None and not item.is_cut:
            self.question.show(item)
            return True
        return False

    def queue_changed(self) -> None:
        """What waits changed: here, or because somebody else answered."""
        if self._is_open:
            self.deciding.card.show(self._queue.asked())
            current = self.deciding.card.current
            if current is None:
                self._is_open = False
            else:
                self._queue.stand_at(current)
        asked_about = self.question.item
        if asked_about is not None and self._queue.place_of(asked_about.key) is None:
            self.question.hide()
            self._workstation.say("Somebody else answered, or it does not wait any more.")
            self._back()

    def close(self) -> None:
        """Show neither."""
        if self._is_open:
            self._is_open = False
            self._is_closing = True
            self.deciding.card.show({})
            self._is_closing = False
        self.question.hide()

    def _leave(self) -> None:
        if self._is_closing:
            return
        self.close()
        self._queue.leave()
        self._back()

    # Sending.

    def decide(
        self,
        asked: Asked,
        approval: "Approval.ValueType",
        told: Callable[[bool], None],
        *,
        reason: str = "",
        edited: Mapping[str, object] | None = None,
    ) -> None:
        """Decide about a tool call of a run; `told` is told whether it was taken."""

        async def send() -> None:
            client = await self._workstation.client()
            try:
                await client.steering.resolve_approval(
                    asked.execution_id,
                    asked.call_id,
                    approval,
                    binding=asked.binding,
                    reason=reason,
                    edited_args=edited,
                )
            except StigmerError as error:
                told(False)
                self._workstation.say_error(error)

        told(True)
        self._workstation.run_worker(send)

    def _answer_all(self, named: Sequence[Asked]) -> None:
        for asked in named:
            self.decide(
                asked, APPROVAL_ONCE, lambda taken, asked=asked: self.deciding.card.answered(asked, taken=taken)
            )
        self._workstation.say(f"Allowed {len(named)} identical calls, each once.")

    def _answer_question(self, item: Item, text: str) -> None:
        question = item.question
        if question is None:
            return
        options, number = list(question.options), text.strip()
        if number.isdecimal() and 1 <= int(number) <= len(options):
            text = options[int(number) - 1]
        attention_id = question.attention_id

        async def send(client: "Client") -> None:
            await client.steering.answer(item.run.execution_id, text, attention_id)

        async def sent() -> None:
            client = await self._workstation.client()
            try:
                await send(client)
            except StigmerError as error:
                self._workstation.say_error(error)

        self._workstation.run_worker(sent)
        self.question.hide()
        self._back()


class QuestionCard(Vertical):
    """A question, whole, its options, and a line to answer in."""

    def __init__(self, answer: Callable[[Item, str], None], leave: Callable[[], None]) -> None:
        super().__init__(id="question")
        self._answer = answer
        self._leave = leave
        self.item: Item | None = None
        """The question that is shown."""
        self._head = Line(classes="approval-head")
        self._text = ShownText()
        self.line = PromptLine("", self._left, id="answer")
        self.display = False

    def compose(self) -> ComposeResult:
        """Who asks, what, and the line."""
        yield self._head
        yield self._text
        yield self.line

    def show(self, item: Item) -> None:
        """Show a question, and go to its line."""
        if item.question is None:
            return
        self.item = item
        self.display = True
        options = [f"{number}  {option}" for number, option in enumerate(item.question.options, 1)]
        self._head.say(
            [
                ("? ", "warning"),
                (safe(Untrusted(item.run.agent_name)), "accent"),
                (" asks", "title"),
                (f"  {safe(Untrusted(item.run.subject))}", "muted"),
            ]
        )
        self._text.show("\n".join([item.question.text, *options]))
        self.line.placeholder = "your answer, or the number of an option; esc answers later"
        self.line.value = ""
        self.line.display = True
        self.screen.set_focus(self.line)

    def hide(self) -> None:
        """Show none."""
        self.item = None
        self.display = False

    def _left(self, accepted: bool) -> None:
        item, text = self.item, self.line.value
        if not accepted or item is None:
            self._leave()
        elif text.strip():
            self._answer(item, text)
