"""The model of a run: which it is, what it is shown, and how it is asked until it answers."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from stigmer_runner.durable import telling
from stigmer_runner.durable.bounding import Bounds
from stigmer_runner.durable.compaction import (
    SUMMARIZE,
    is_full,
    newest,
    summary_entry,
    tokens_of,
    transcript,
    without_old_results,
)
from stigmer_runner.durable.messages import (
    CALL_MODEL,
    CHOOSE_MODEL,
    Carried,
    ChosenModel,
    Entry,
    ModelAnswer,
    ModelAsk,
    Said,
    SetUp,
    Used,
)
from stigmer_runner.durable.steps import AGAIN, UNLIMITED, WAIT, tell
from stigmer_runner.engine.temporalio_names import ActivityError, ApplicationError, CancelledError, workflow

ATTEMPTS = 6
"""How often a model is asked for one answer."""
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Seconds before it is asked again, where the provider does not say."""


class Model:
    """It goes on from what a run before has `left_over`. `prefix` begins the ids of a sub-agent's messages and calls."""

    def __init__(self, left_over: Carried, bounds: Bounds, prefix: str, sub_agent: str) -> None:
        self.set_up = left_over.set_up
        self.entries = list(left_over.entries)
        """What it is shown, the oldest first."""
        self.answers = left_over.numbers[-1]
        """How many there were."""
        self._bounds = bounds
        self._prefix = prefix
        self._sub_agent = sub_agent
        self._context_used, self._counted = left_over.context
        self._wanted = left_over.model_wanted
        self._changed = bool(left_over.model_wanted)
        self._cut_off = ""

    @property
    def context(self) -> tuple[int, int]:
        """Tokens that are known to be in the context, and how many of the entries they stand for."""
        return self._context_used, self._counted

    @property
    def wanted(self) -> str:
        """The model that is wanted from the next call on; empty where it stays as it is."""
        return self._wanted if self._changed else ""

    def want(self, name: str) -> None:
        """Another one from the next call on."""
        self._wanted, self._changed = name, True

    async def choose_where_wanted(self) -> None:
        """Take the one that is wanted, where one is."""
        if self._changed:
            await self._choose()

    def keep_cut_off(self) -> None:
        """What it had said when it was interrupted stays in what it is shown."""
        if self._cut_off:
            body: dict[str, object] = {"role": "assistant", "text": self._cut_off, "reasoning": [], "tool_calls": []}
            self.entries.append(Entry(json.dumps(body), "assistant", tokens_of(self._cut_off)))
            self._cut_off = ""

    def stand(self) -> SetUp:
        """What stands since the run began. Raises `ApplicationError` before."""
        if self.set_up is None:
            raise ApplicationError("the run has not begun", non_retryable=True)
        return self.set_up

    async def answer(self, said: tuple[Said, ...], first_call: int) -> ModelAnswer:
        """An answer, however often the model must be asked. Raises `ApplicationError` where there is none."""
        self.answers += 1
        attempt, shortened = 1, False
        while True:
            stand = self.stand()
            ask = ModelAsk(
                number=self.answers,
                attempt=attempt,
                wait_seconds=self._wait_after(attempt),
                provider=stand.provider,
                model=stand.model,
                system=stand.system,
                entries=tuple(self.entries),
                first_call=first_call,
                prefix=self._prefix,
                said=said if attempt == 1 else (),
                sub_agent=self._sub_agent,
            )
            answer = await self._call_model(ask)
            if not answer.error_code:
                return answer
            attempt += 1
            if answer.error_code == "too_long" and not shortened:
                shortened = True
                await self.make_room(forced=True)
            elif answer.retry_seconds >= 0:
                await self._wait_to_retry(answer.retry_seconds)
            else:
                raise ApplicationError(answer.error, type=f"Model.{answer.error_code}", non_retryable=True)

    async def _call_model(self, ask: ModelAsk) -> ModelAnswer:
        try:
            answer = await workflow.execute_activity(
                CALL_MODEL,
                ask,
                result_type=ModelAnswer,
                start_to_close_timeout=UNLIMITED,
                retry_policy=AGAIN,
                cancellation_type=WAIT,
            )
        except ActivityError as error:
            if isinstance(error.cause, CancelledError) and error.cause.details:
                self._cut_off = str(error.cause.details[0])
            raise
        tokens = answer.input_tokens + answer.output_tokens
        self._bounds.used = self._bounds.used.plus(Used(0 if answer.error_code else 1, tokens, answer.cost_micro_usd))
        if tokens and not ask.quiet:
            self._context_used, self._counted = tokens, len(self.entries) + 1
        return answer

    async def _wait_to_retry(self, seconds: float) -> None:
        try:
            await workflow.wait_condition(lambda: self._changed, timeout=timedelta(seconds=max(seconds, 0.001)))
        except TimeoutError:
            return
        await self._choose()

    def _wait_after(self, attempt: int) -> float:
        if attempt >= ATTEMPTS:
            return -1.0
        return min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT) * (0.75 + workflow.random().random() / 2)

    async def _choose(self) -> None:
        self._changed = False
        chosen = await workflow.execute_activity(
            CHOOSE_MODEL,
            self._wanted,
            result_type=ChosenModel,
            start_to_close_timeout=UNLIMITED,
            retry_policy=AGAIN,
            cancellation_type=WAIT,
        )
        if chosen.model:
            self.set_up = replace(
                self.stand(),
                provider=chosen.provider,
                model=chosen.model,
                context_tokens=chosen.context_tokens,
                answer_tokens=chosen.answer_tokens,
            )

    async def make_room(self, *, forced: bool) -> None:
        """Make what the model is shown shorter, where it would not fit."""
        stand = self.stand()
        before = self._context_used + sum(entry.tokens for entry in self.entries[self._counted :])
        if not forced and not is_full(before, stand.context_tokens, stand.answer_tokens):
            return
        begin = newest(self.entries, stand.context_tokens)
        if begin == 0 and forced:
            begin = max(len(self.entries) - 1, 0)
        if begin == 0:
            return
        through = next((e.message_id for e in reversed(self.entries[:begin]) if e.message_id), "")
        overhead = max(before - sum(entry.tokens for entry in self.entries), tokens_of(stand.system))
        shorter = without_old_results(self.entries, begin)
        summary = ""
        if forced or overhead + sum(entry.tokens for entry in shorter) > stand.context_tokens // 2:
            summary = await self._summary(shorter[:begin])
            shorter = [summary_entry(summary), *shorter[begin:]] if summary else shorter
        self.entries = shorter
        self._context_used, self._counted = overhead + sum(entry.tokens for entry in shorter), len(shorter)
        await tell(telling.encoded([telling.compacted(through, summary, before, self._context_used)]))

    async def _summary(self, entries: Sequence[Entry]) -> str:
        stand = self.stand()
        text = transcript(entries, stand.context_tokens // 2)
        self.answers += 1
        ask = ModelAsk(
            number=self.answers,
            attempt=1,
            wait_seconds=-1.0,
            provider=stand.provider,
            model=stand.model,
            system=SUMMARIZE,
            entries=(user_entry(text),),
            first_call=0,
            prefix=self._prefix,
            quiet=True,
        )
        answer = await self._call_model(ask)
        return answer.text if not answer.error_code else ""


def user_entry(text: str) -> Entry:
    """Words that stand where a person's would."""
    return Entry(json.dumps({"role": "user", "text": text, "attachments": []}), "user", tokens_of(text))
