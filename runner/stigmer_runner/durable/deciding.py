"""What waits for a person in a run, and what they decided. Changed by updates, whose validators refuse what does not fit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Choice(IntEnum):
    """What a person decided about a tool call: the numbers of `stigmer.event.v1.Approval`."""

    ONCE = 1
    SESSION = 2
    PREFIX = 3
    DENIED = 4
    EXPIRED = 5


@dataclass(frozen=True)
class Decision:
    """A decision about a tool call."""

    choice: Choice
    reason: str = ""
    edited_args: str = ""
    """The arguments that it runs with, JSON, where the person changed them."""


@dataclass
class OpenApproval:
    """A tool call that waits."""

    binding: str
    prefix_offered: bool
    decision: Decision | None = None


@dataclass
class OpenQuestion:
    """A question that waits."""

    answer: str | None = None


@dataclass
class Desk:
    """All that waits for a person, and what has been decided."""

    approvals: dict[str, OpenApproval] = field(default_factory=dict[str, OpenApproval])
    questions: dict[str, OpenQuestion] = field(default_factory=dict[str, OpenQuestion])

    def check_approval(self, call_id: str, choice: int, binding: str, edited_args: str) -> None:
        """Raises ValueError, in words for the person, where the decision does not fit what waits."""
        found = self.approvals.get(call_id)
        if found is None:
            raise ValueError(
                f"no decision is wanted about the call {call_id}: look at what waits by `stigmer attention`"
            )
        if found.decision is not None:
            raise ValueError(f"the call {call_id} was decided already: each approval is for a single use")
        if binding != found.binding:
            raise ValueError(f"what was decided is not what the call {call_id} would do: look at it again")
        if choice not in (Choice.ONCE, Choice.SESSION, Choice.PREFIX, Choice.DENIED):
            raise ValueError("a call is approved once, for the session or for its prefix, or denied")
        if choice == Choice.PREFIX and not found.prefix_offered:
            raise ValueError(
                f"the call {call_id} has no prefix that could be approved: approve it once or for the session"
            )
        if edited_args:
            try:
                value: object = json.loads(edited_args)
            except ValueError as error:
                raise ValueError(f"the changed arguments are no JSON: {error}") from error
            if not isinstance(value, Mapping):
                raise ValueError("the changed arguments are no JSON object")

    def decide(self, call_id: str, decision: Decision) -> None:
        """Note a decision that was checked."""
        self.approvals[call_id].decision = decision

    def check_answer(self, attention_id: str) -> None:
        """Raises ValueError, in words for the person, where nothing was asked."""
        found = self.questions.get(attention_id)
        if found is None:
            raise ValueError(f"there is no question {attention_id}: look at what waits by `stigmer attention`")
        if found.answer is not None:
            raise ValueError(f"the question {attention_id} was answered already")

    def answer(self, attention_id: str, text: str) -> None:
        """Note an answer that was checked."""
        self.questions[attention_id].answer = text
