"""What waits for a person, over all runs: decisions, questions, input, problems, and failures that nobody has seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import QuestionAsked
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import ListAttentionResponse
from stigmer_tui.transcript.decisions import Asked

Waiting = ListAttentionResponse.Waiting


@dataclass(frozen=True, slots=True)
class Kind:
    """A reason to look at a run, with a shape and a word of its own."""

    shape: str
    word: str
    style: str


_KINDS: dict[int, Kind] = {
    AttentionKind.ATTENTION_KIND_APPROVAL: Kind("◆", "asks", "attention"),
    AttentionKind.ATTENTION_KIND_QUESTION: Kind("?", "question", "attention"),
    AttentionKind.ATTENTION_KIND_SIGNAL: Kind("◇", "signal", "attention"),
    AttentionKind.ATTENTION_KIND_INPUT: Kind("›", "input", "attention"),
    AttentionKind.ATTENTION_KIND_PASSWORD: Kind("*", "password", "attention"),
    AttentionKind.ATTENTION_KIND_PROBLEM: Kind("▲", "problem", "wrong"),
}
_WAITS = Kind("!", "waits", "attention")
_FAILED = Kind("✗", "failed", "wrong")


@dataclass(frozen=True, slots=True)
class Item:
    """Something in the queue. Its texts are untrusted."""

    key: str
    kind: Kind
    run: ExecutionSummary
    text: str
    micros: int
    """Since when: microseconds since 1970."""
    asked: Asked | None = None
    """What is to be decided."""
    question: QuestionAsked | None = None
    is_cut: bool = False
    """Whether not all of a question is here."""

    @property
    def is_failure(self) -> bool:
        """Whether it only wants to be seen."""
        return self.kind is _FAILED


class Queue:
    """What waits first, the oldest first; then failures, the newest first."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.waiting = 0
        """How many things wait in all; no more than some hundreds of them are among the items."""
        self.unseen = 0
        """How many failures were not seen in all."""
        self.current = ""
        """Key of the item that one is at."""
        self._place = -1
        self._numbers: dict[str, int] = {}

    @property
    def total(self) -> int:
        """How much there is in all."""
        return self.waiting + self.unseen

    def take(self, waiting: Sequence[Waiting], total: int, failures: Iterable[ExecutionSummary], unseen: int) -> None:
        """The queue as it stands now."""
        items = [self._item(each) for each in waiting if not _is_decided(each)]
        items += [
            Item(f"failed/{row.execution_id}", _FAILED, row, row.error or row.last_line, row.completed_unix_micros)
            for row in failures
        ]
        decided = len(waiting) - sum(1 for item in items if not item.is_failure)
        self.items, self.waiting, self.unseen = items, max(0, total - decided), unseen
        known = {item.asked.key for item in items if item.asked is not None}
        self._numbers = {key: number for key, number in self._numbers.items() if key.rpartition("#")[0] in known}
        if (place := self.place_of(self.current)) is not None:
            self._place = place

    def place_of(self, key: str) -> int | None:
        """Where an item stands."""
        return next((place for place, item in enumerate(self.items) if item.key == key), None)

    def go_on(self) -> Item | None:
        """To the next item, and around; where the one that one was at has gone, to what stands in its place."""
        if not self.items:
            self.current, self._place = "", -1
            return None
        there = self.place_of(self.current)
        place = (self._place if there is None and self.current else self._place + 1) if self._place >= 0 else 0
        return self.go_to(place % len(self.items))

    def go_to(self, place: int) -> Item:
        """To the item at a place."""
        self._place = place
        self.current = self.items[place].key
        return self.items[place]

    def stand_at(self, asked: Asked) -> None:
        """One is at this decision by now."""
        for place, item in enumerate(self.items):
            if item.asked is not None and item.asked.key == asked.key:
                self.go_to(place)

    def leave(self) -> None:
        """One is at none of them; from here it goes on."""
        self.current = ""

    def asked(self) -> dict[str, Asked]:
        """All decisions that wait, by key."""
        return {item.asked.key: item.asked for item in self.items if item.asked is not None}

    def identical(self, asked: Asked) -> list[Asked]:
        """All calls that would do exactly what this one does. The binding covers tool, arguments, directory, environment and policy; what is shown
        has to be the same too."""
        if asked.is_cut or not asked.binding:
            return [asked]
        return [
            other
            for other in self.asked().values()
            if (other.binding, other.tool, other.summary) == (asked.binding, asked.tool, asked.summary)
            and not other.is_cut
        ]

    def _item(self, waiting: Waiting) -> Item:
        attention, run = waiting.attention, waiting.execution
        kind = _KINDS.get(attention.kind, _WAITS)
        key = f"{run.execution_id}/{attention.attention_id}/{attention.raised_seq}"
        micros = attention.raised_unix_micros
        if waiting.HasField("approval"):
            return Item(key, kind, run, waiting.approval.summary, micros, asked=self._asked(waiting))
        if waiting.HasField("question"):
            return Item(key, kind, run, waiting.question.text, micros, question=waiting.question, is_cut=waiting.cut)
        return Item(key, kind, run, attention.text, micros)

    def _asked(self, waiting: Waiting) -> Asked:
        approval, run = waiting.approval, waiting.execution
        place = f"{run.execution_id}/{approval.call_id}#{waiting.attention.raised_seq}"
        number = self._numbers.setdefault(place, max(self._numbers.values(), default=0) + 1)
        return Asked(
            approval.call_id,
            waiting.tool or "a tool",
            waiting.args,
            approval.summary,
            approval.reason,
            approval.binding,
            tuple(approval.prefix),
            number,
            run.execution_id,
            f"{run.workflow_name or run.agent_name}, {run.subject}"
            if run.subject
            else run.workflow_name or run.agent_name,
            waiting.cut,
        )


def _is_decided(waiting: Waiting) -> bool:
    """Whether it was answered already, and only has not gone yet."""
    kind, attention = AttentionKind, waiting.attention
    return (attention.kind == kind.ATTENTION_KIND_APPROVAL and not waiting.HasField("approval")) or (
        attention.kind == kind.ATTENTION_KIND_QUESTION and not waiting.HasField("question")
    )
