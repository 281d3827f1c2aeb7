"""The card of a run, and the line into which one writes a reason or another command."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    APPROVAL_DENIED,
    APPROVAL_ONCE,
    APPROVAL_PREFIX,
    APPROVAL_SESSION,
    Approval,
)
from stigmer_apis.errors import InvalidArgument
from stigmer_tui.screens.steering import editable, edited_args
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.transcript.decisions import Asked
from stigmer_tui.widgets.approval.card import Answer, ApprovalCard, Elsewhere
from stigmer_tui.widgets.prompt_line import PromptLine

_APPROVALS = {
    Answer.ONCE: APPROVAL_ONCE,
    Answer.SESSION: APPROVAL_SESSION,
    Answer.PREFIX: APPROVAL_PREFIX,
    Answer.DENY: APPROVAL_DENIED,
}


LONGEST_LINE = 400
"""Characters of a call that are edited in a line; longer ones, and those of several lines, in the person's editor."""
INSTEAD = "change it below: enter lets it run once as it stands there, esc leaves it"
WHY_NOT = "say why below: enter denies it and the agent reads that, esc leaves it"


class Decides(Protocol):
    """What sends a decision."""

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
        ...


class Deciding:
    """Between the card and the server."""

    def __init__(
        self,
        workstation: Workstation,
        steering: Decides,
        back: Callable[[], None],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`back` puts the focus somewhere, for where the person was may be gone; `elsewhere`: what else the card can do where calls of several runs come together."""
        self._workstation = workstation
        self._steering = steering
        self._back = back
        self._writing_for: tuple[Asked, Answer] | None = None
        self.card = ApprovalCard(workstation.clock, self._answered, self._leave, self._page, elsewhere)
        self.line = PromptLine("", self._line_left, id="decision")

    def _answered(self, asked: Asked, answer: Answer) -> None:
        match answer:
            case Answer.DENY_WITH_REASON:
                self._write(asked, answer, "why not: the agent reads it", "", WHY_NOT)
            case Answer.EDIT if not asked.args.fields:
                self._workstation.say("Its arguments are not here: open the run to edit them.", wrong=True)
            case Answer.EDIT if _fits_a_line(text := editable(asked)):
                self._write(asked, answer, "what shall run instead; enter lets it run once", text, INSTEAD)
            case Answer.EDIT:
                self._workstation.run_worker(partial(self._edit_outside, asked))
            case _:
                self._send(asked, answer)

    async def _edit_outside(self, asked: Asked) -> None:
        """What is too long for a line is changed in the person's editor, and let run once where it was changed."""
        before = editable(asked, indent=2)
        after = await self._workstation.edit(before)
        if after == before.removesuffix("\n"):
            self._workstation.say("Nothing was changed: the call still waits for you.")
        elif after is not None:
            self._send_edited(asked, after)

    def _write(self, asked: Asked, answer: Answer, placeholder: str, text: str, words: str) -> None:
        self._writing_for = (asked, answer)
        self.card.writing(words)
        self.line.placeholder = placeholder
        self.line.value = text
        self.line.display = True
        self.line.screen.set_focus(self.line)

    def _line_left(self, accepted: bool) -> None:
        writing, text = self._writing_for, self.line.value
        if accepted and writing is not None:
            asked, answer = writing
            if answer is Answer.EDIT and not self._send_edited(asked, text):
                return
            if answer is Answer.DENY_WITH_REASON:
                self._send(asked, Answer.DENY, reason=text)
        self._writing_for = None
        self.card.writing("")
        self.line.value = ""
        self.line.display = False
        if self.card.display:
            self.line.screen.set_focus(self.card.text)
        else:
            self._leave()

    def _leave(self) -> None:
        """Back to where the person was before, if that is still there."""
        before = self.card.came_from
        self._back()
        if before is not None and before.focusable and before.size.area:
            before.screen.set_focus(before)

    def _send_edited(self, asked: Asked, text: str) -> bool:
        try:
            edited = edited_args(asked, text)
        except InvalidArgument as error:
            self._workstation.say_error(error)
            return False
        self._steering.decide(asked, APPROVAL_ONCE, lambda taken: self.card.answered(asked, taken=taken), edited=edited)
        return True

    def _send(self, asked: Asked, answer: Answer, *, reason: str = "") -> None:
        self._steering.decide(
            asked,
            _APPROVALS[answer],
            lambda taken: self.card.answered(asked, taken=taken),
            reason=reason,
        )

    def _page(self, text: str) -> None:
        self._workstation.run_worker(partial(self._workstation.page, lambda: [text.encode("utf-8", "replace")], 1))


def _fits_a_line(text: str) -> bool:
    return len(text) <= LONGEST_LINE and "\n" not in text
