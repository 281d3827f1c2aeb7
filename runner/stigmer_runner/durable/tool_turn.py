"""The tool calls of one answer: those that may run beside each other do, the others in the order asked for."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, cast

from stigmer_runner.durable import telling
from stigmer_runner.durable.compaction import tokens_of
from stigmer_runner.durable.deciding import Choice, Decision, Desk, OpenApproval, OpenQuestion
from stigmer_runner.durable.messages import (
    CALL_HARMLESS_TOOL,
    CALL_TOOL,
    LOOK_AND_CALL,
    LOOK_AND_CALL_HARMLESS,
    LOOK_AT_CALL,
    AskedCall,
    Entry,
    LookedAt,
    ModelAnswer,
    ToolAsk,
    ToolEnd,
    ToolInfo,
)
from stigmer_runner.durable.steps import AGAIN, ONCE, UNLIMITED, WAIT, tell
from stigmer_runner.durable.wording import edited_note, main_argument, quote
from stigmer_runner.engine.errors import OUTCOME_UNKNOWN
from stigmer_runner.engine.temporalio_names import ActivityError, ApplicationError, workflow

AT_ONCE = 4
"""Tool calls that run beside each other."""
SAME_TOLD = 3
"""The same call so often in a row, and the model is told."""
SAME_ASKED = 6
"""So often, and the person is asked."""
LOOKS = 3
"""How often a call is put to the person anew because what it would do has changed meanwhile."""

_ACTIVITIES = {
    (False, False): CALL_TOOL,
    (False, True): CALL_HARMLESS_TOOL,
    (True, False): LOOK_AND_CALL,
    (True, True): LOOK_AND_CALL_HARMLESS,
}
"""By whether a call is looked at in the same step, and whether it may be made again."""

ASK_PERSON = "ask_person"
DELEGATE = "delegate"
RETRY, SKIP, FAIL = "retry", "skip", "fail"


class Run(Protocol):
    """What tool calls need of their run."""

    desk: Desk
    sub_agent_id: str
    policy: str
    granted: list[str]
    changing_turns: list[str]
    """Turns in which a tool ran that may have changed files, by their messages; the newest last."""
    changing: int
    """How many tools run now that may change files."""
    last_call: str
    repeated: int

    @property
    def tools(self) -> Mapping[str, ToolInfo]:
        """The tools that there are, by name."""
        ...

    async def step_allowed(self) -> None:
        """Waits while the run is paused."""
        ...

    def next_question(self) -> str:
        """An id for a question."""
        ...

    def allow_prefix(self, tool: str, prefix: Sequence[str]) -> None:
        """From here on a call of `tool` with these first words is allowed."""
        ...

    async def delegate(self, call: AskedCall) -> tuple[str, bool]:
        """Let a sub-agent do it: what it says, and whether that is an error."""
        ...


class ToolTurn:
    """The calls of one answer."""

    def __init__(self, run: Run, answer: ModelAnswer, turn_id: str) -> None:
        self._run = run
        self._answer = answer
        self._turn_id = turn_id
        self._room = asyncio.Semaphore(AT_ONCE)
        self._open: dict[str, AskedCall] = {call.call_id: call for call in answer.calls}
        self._results: dict[str, Entry] = {}
        self._questions: list[str] = []
        """What persons were asked and did not answer."""

    async def make(self) -> None:
        """Make all calls."""
        running: list[asyncio.Task[None]] = []
        try:
            for call in self._answer.calls:
                info = self._run.tools.get(call.name)
                beside = info is not None and info.parallel
                if not beside:
                    await asyncio.gather(*running)
                await self._run.step_allowed()
                task = asyncio.create_task(self._make(call))
                running.append(task)
                if not beside:
                    await task
            await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def results(self, missing: str) -> list[Entry]:
        """What the model is told, in the order asked for; `missing` of calls that came to no end."""
        return [
            self._results.get(call.call_id) or self._entry(call, missing, error=True) for call in self._answer.calls
        ]

    async def withdraw(self, why: str) -> None:
        """Tell that what waits or has not begun will not be made."""
        events = [telling.not_started(call_id, why, cancelled=True) for call_id in self._open]
        for call_id in self._open:
            waiting = self._run.desk.approvals.pop(call_id, None)
            if waiting is not None and waiting.decision is None:
                events[:0] = telling.withdrawn(call_id, why)
        if self._questions and workflow.patched("questions-withdrawn"):
            events += [telling.cleared(attention_id) for attention_id in self._questions]
        if events:
            await tell(telling.encoded(events))

    async def _make(self, call: AskedCall) -> None:
        async with self._room:
            self._results[call.call_id] = await self._result(call)
            self._open.pop(call.call_id, None)

    async def _result(self, call: AskedCall) -> Entry:
        note = await self._guarded(call)
        entry = await self._of_kind(call)
        return _with_note(entry, note) if note else entry

    async def _of_kind(self, call: AskedCall) -> Entry:
        if call.error:
            return await self._refused(call, f"{call.error} Write the arguments again, as one JSON object.")
        if call.name == ASK_PERSON:
            return await self._ask_person(call)
        if call.name == DELEGATE:
            self._open.pop(call.call_id, None)
            text, is_error = await self._run.delegate(call)
            return self._entry(call, text, error=is_error)
        info = self._run.tools.get(call.name)
        if info is None:
            known = ", ".join(sorted(self._run.tools))
            return await self._refused(call, f"There is no tool {call.name!r}. There are: {known}.")
        return await self._checked(call, info)

    async def _checked(self, call: AskedCall, info: ToolInfo) -> Entry:
        """Look at a call, ask where a person is to decide, and make it."""
        note = ""
        for _ in range(LOOKS):
            found = await self._call(call, info, "") if info.joined else await self._look(call)
            if not isinstance(found, LookedAt):
                return found or await self._refused(call, "It was not made.")
            looked, policy = found, ""
            match looked.decision:
                case "allow":
                    binding = ""
                case "ask":
                    decision = await self._decided(call, looked)
                    if decision.choice in (Choice.DENIED, Choice.EXPIRED):
                        return await self._denied(call, decision)
                    binding = looked.binding
                    if decision.edited_args:
                        call = replace(call, args_json=decision.edited_args)
                        note = edited_note(decision.edited_args)
                        looked = await self._look(call, edited=True)
                        if looked.decision != "allow":
                            return self._entry(call, looked.reason, error=True)
                        binding = looked.binding
                    policy = (
                        self._run.policy
                    )  # What is approved is approved under this one: its own prefix changes nothing of it.
                    self._remember(call, looked, decision)
                case _:
                    self._open.pop(call.call_id, None)
                    return self._entry(call, looked.reason, error=True)
            same = replace(call, args_json=looked.canonical_args or call.args_json)
            end = await self._call(same, replace(info, joined=False), binding, policy)
            if isinstance(end, Entry):
                return _with_note(end, note) if note else end
        return await self._refused(call, "What this call would do kept changing while it was looked at.")

    async def _look(self, call: AskedCall, *, edited: bool = False) -> LookedAt:
        ask = replace(self._ask(call), edited=edited)
        return await workflow.execute_activity(
            LOOK_AT_CALL,
            ask,
            result_type=LookedAt,
            start_to_close_timeout=UNLIMITED,
            retry_policy=AGAIN,
            cancellation_type=WAIT,
        )

    async def _decided(self, call: AskedCall, looked: LookedAt) -> Decision:
        """Wait for the person. A decision that does not come in time is one, too."""
        waiting = self._run.desk.approvals[call.call_id] = OpenApproval(looked.binding, bool(looked.prefix))
        left = looked.expires_micros / 1e6 - workflow.now().timestamp() if looked.expires_micros else None
        timeout = None if left is None else timedelta(seconds=max(left, 0.001))
        try:
            await workflow.wait_condition(lambda: waiting.decision is not None, timeout=timeout)
        except TimeoutError:
            if waiting.decision is None:
                waiting.decision = Decision(Choice.EXPIRED, "nobody decided in time")
                await tell(telling.encoded(telling.withdrawn(call.call_id, waiting.decision.reason, expired=True)))
        return waiting.decision or Decision(Choice.DENIED)

    async def _denied(self, call: AskedCall, decision: Decision) -> Entry:
        self._open.pop(call.call_id, None)
        if decision.choice is Choice.EXPIRED:
            words = f"The time to decide about this call is over: {decision.reason}."
        else:
            words = (
                f"The person denied this call: {decision.reason}" if decision.reason else "The person denied this call."
            )
        await tell(telling.encoded([telling.not_started(call.call_id, words)]))
        return self._entry(call, f"{words} It was not made. Do not try to reach the same in another way.", error=True)

    def _remember(self, call: AskedCall, looked: LookedAt, decision: Decision) -> None:
        if decision.choice is Choice.SESSION and looked.grant:
            self._run.granted.append(looked.grant)
        elif decision.choice is Choice.PREFIX and looked.prefix:
            self._run.allow_prefix(call.name, looked.prefix)

    async def _call(self, call: AskedCall, info: ToolInfo, binding: str, policy: str = "") -> Entry | LookedAt | None:
        """Make a call, under `policy` where it was approved under one; None where it is not any more what was approved, and what a look found that
        kept it from being made."""
        ask, end, turns = replace(self._ask(call), binding=binding), None, self._run.changing_turns
        if policy:
            ask = replace(ask, policy=policy)
        newly = not info.repeatable and self._turn_id not in turns
        if newly:
            turns.append(self._turn_id)
        self._run.changing += not info.repeatable
        try:
            end = await workflow.execute_activity(
                _ACTIVITIES[info.joined, info.repeatable],
                ask,
                result_type=ToolEnd,
                start_to_close_timeout=UNLIMITED,
                retry_policy=AGAIN if info.repeatable else ONCE,
                cancellation_type=WAIT,
            )
        except ActivityError as error:
            if not isinstance(error.cause, ApplicationError) or error.cause.type != OUTCOME_UNKNOWN:
                raise
        finally:
            self._run.changing -= not info.repeatable
        if end is None:
            return await self._unknown(call, info)
        if end.looked is not None and newly:
            turns.remove(self._turn_id)
        if end.entry is not None:
            self._open.pop(call.call_id, None)
        return end.entry or end.looked

    async def _unknown(self, call: AskedCall, info: ToolInfo) -> Entry:
        """The runner died while a call with side effects ran: the person says what becomes of it."""
        self._open.pop(call.call_id, None)
        words = (
            f"The runner stopped while {call.name} {quote(main_argument(call.args_json))} was running: nobody knows how far it came. "
            "Run it again, skip it, or fail?"
        )
        answer = (await self._question(words, (RETRY, SKIP, FAIL), call.call_id)).strip()
        if answer == FAIL:
            raise ApplicationError(
                f"The runner stopped while {call.name} was running, and the person chose to end the run.",
                type=OUTCOME_UNKNOWN,
                non_retryable=True,
            )
        if answer == RETRY:
            again = replace(call, call_id=f"{call.call_id}.again")
            self._open[again.call_id] = again
            await tell(telling.encoded([telling.requested(again, self._answer.message_id)]))
            return await self._checked(again, info)
        said = "" if answer == SKIP else f" The person says: {answer}"
        text = f"The runner stopped while this ran: nobody knows how far it came. It is not run again.{said} Look before you go on."
        return self._entry(call, text, error=True)

    async def _ask_person(self, call: AskedCall) -> Entry:
        arguments = _arguments(call)
        text = str(arguments.get("question") or "").strip()
        if not text:
            return await self._refused(call, "`question` is missing: what the person is to be asked.")
        given = arguments.get("options")
        options = tuple(str(each) for each in cast(list[object], given)) if isinstance(given, list) else ()
        await tell(telling.encoded([telling.started(call.call_id)]))
        answer = await self._question(text, options, call.call_id)
        self._open.pop(call.call_id, None)
        await tell(telling.encoded([telling.finished(call.call_id, answer)]))
        return self._entry(call, answer)

    async def _question(self, text: str, options: Sequence[str], call_id: str) -> str:
        attention_id = self._run.next_question()
        question = self._run.desk.questions[attention_id] = OpenQuestion()
        self._questions.append(attention_id)
        try:
            await tell(telling.encoded(telling.asked(attention_id, text, options, call_id)))
            await workflow.wait_condition(lambda: question.answer is not None)
        except BaseException:
            del self._run.desk.questions[attention_id]
            raise
        self._questions.remove(attention_id)
        return question.answer or ""

    async def _guarded(self, call: AskedCall) -> str:
        """What the model is told about a call that it makes again and again; the person is asked where that does not help."""
        run = self._run
        key = f"{call.name} {call.args_json}"
        run.repeated = run.repeated + 1 if key == run.last_call else 1
        run.last_call = key
        if run.repeated >= SAME_ASKED:
            run.repeated = 0
            words = f"The agent made the same call {SAME_ASKED} times in a row: {call.name} {quote(main_argument(call.args_json))}. Let it go on?"
            answer = await self._question(words, ("go on", "stop"), call.call_id)
            if answer.strip() == "stop":
                raise ApplicationError(
                    "The agent was going round in circles, and the person stopped it.",
                    type="Stopped",
                    non_retryable=True,
                )
            return f"The person says about your repeating this call: {answer}"
        if run.repeated >= SAME_TOLD:
            return f"You have made this same call {run.repeated} times in a row. It will not give anything else: do something different."
        return ""

    async def _refused(self, call: AskedCall, words: str) -> Entry:
        self._open.pop(call.call_id, None)
        await tell(telling.encoded([telling.not_started(call.call_id, words)]))
        return self._entry(call, words, error=True)

    def _ask(self, call: AskedCall) -> ToolAsk:
        return ToolAsk(
            call=call,
            message_id=self._answer.message_id,
            turn_id=self._turn_id,
            policy=self._run.policy,
            granted=tuple(self._run.granted),
            sub_agent_id=self._run.sub_agent_id,
        )

    def _entry(self, call: AskedCall, text: str, *, error: bool = False) -> Entry:
        body: dict[str, object] = {
            "role": "tool",
            "call_id": call.provider_id,
            "name": call.name,
            "text": text,
            "is_error": error,
            "images": [],
        }
        return Entry(json.dumps(body), "tool", tokens_of(text), self._answer.message_id)


def _arguments(call: AskedCall) -> Mapping[str, object]:
    value: object = json.loads(call.args_json)
    return cast(Mapping[str, object], value) if isinstance(value, dict) else {}


def _with_note(entry: Entry, note: str) -> Entry:
    body = json.loads(entry.body)
    body["text"] = f"{body['text']}\n\n{note}"
    return replace(entry, body=json.dumps(body), tokens=entry.tokens + tokens_of(note))
