"""The loop itself, with activities that say what a script says: it goes on from every prefix of its journal."""

import asyncio
import base64
import json
import time
from collections.abc import Sequence

import pytest

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.durable.messages import (
    CALL_HARMLESS_TOOL,
    CALL_MODEL,
    CALL_TOOL,
    LOOK_AT_CALL,
    SET_UP,
    TELL,
    AgentRequest,
    AskedCall,
    Entry,
    LookedAt,
    ModelAnswer,
    ModelAsk,
    SetUp,
    SubAgentInfo,
    ToolAsk,
    ToolEnd,
    ToolInfo,
)
from stigmer_runner.engine.activities import Activities, Activity, ActivityCall, FunctionActivity
from stigmer_runner.engine.chronicle import Completed, RunOutcome, SilentChronicle
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.engine.errors import UpdateRefused
from stigmer_runner.engine.journal import Group, MemoryJournal, records_of
from stigmer_runner.engine.plan import ChildParts

LIVENESS = 30.0
POLICY = base64.b64encode(Policy(preset="ask").SerializeToString()).decode()
CALLS = {
    1: ("look", "look", "write"),
    2: ("delegate",),
    3: ("ask_person",),
    4: ("write", "look"),
}
"""The tools that each answer of the agent asks for."""


class Write(Activity):
    """A tool with side effects."""

    name = CALL_TOOL
    argument_types = (ToolAsk,)

    def __init__(self, ledger: list[str]) -> None:
        self._ledger = ledger

    async def run(self, call: ActivityCall) -> object:
        """Note it."""
        return done(self._ledger, call.arguments[0])


def done(ledger: list[str], ask: object) -> ToolEnd:
    """A tool's end."""
    assert isinstance(ask, ToolAsk)
    ledger.append(ask.call.call_id)
    body = {"role": "tool", "call_id": ask.call.provider_id, "name": ask.call.name, "text": "ok", "is_error": False}
    return ToolEnd(Entry(json.dumps(body), "tool", 5, ask.message_id))


class Play:
    """A run of the loop."""

    def __init__(self, *, hurried: bool = False) -> None:
        """`hurried`: decisions expire at once, and nobody decides."""
        self._hurried = hurried
        self.ledger: list[str] = []
        self.journal = MemoryJournal()
        request = AgentRequest("aex-test", "ollama/scripted", policy=POLICY)
        plan = RunPlan(AgentLoop, "aex-test", (request, b"Work."))
        self.run = EmbeddedRun(plan, self._activities(), self.journal, SilentChronicle(), child_kinds=self._child)

    async def outcome(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end; whatever is asked is decided or answered."""
        async with asyncio.timeout(LIVENESS), asyncio.TaskGroup() as group:
            deciding = group.create_task(self._decide())
            end = await self.run.execute(history)
            deciding.cancel()
            return end

    def _child(self, workflow_type: str, workflow_id: str) -> ChildParts:
        return ChildParts(AgentLoop, self._activities(), SilentChronicle())

    def _activities(self) -> Activities:
        return Activities(
            [
                FunctionActivity(SET_UP, self._set_up),
                FunctionActivity(CALL_MODEL, self._call_model),
                FunctionActivity(LOOK_AT_CALL, self._look),
                FunctionActivity(CALL_HARMLESS_TOOL, self._call_harmless),
                FunctionActivity(TELL, self._tell),
                Write(self.ledger),
            ]
        )

    async def _set_up(self, request: AgentRequest) -> SetUp:
        tools = (ToolInfo("look", True, True), ToolInfo("write", False, False))
        helpers = () if request.sub_agent else (SubAgentInfo("helper", "helps"),)
        return SetUp("ollama", "scripted", 100_000, 8_000, "Work.", tools, helpers)

    async def _call_model(self, ask: ModelAsk) -> ModelAnswer:
        await asyncio.sleep(0)
        names = CALLS.get(ask.number, ()) if not ask.prefix else ()
        arguments = {"delegate": {"agent": "helper", "task": "help"}, "ask_person": {"question": "Which?"}}
        calls = tuple(
            AskedCall(f"{ask.prefix}call-{n}", f"p{n}", name, json.dumps({**arguments.get(name, {}), "n": n}))
            for n, name in enumerate(names, ask.first_call)
        )
        text = "helped" if ask.prefix else f"answer {ask.number}"
        entry = Entry(
            json.dumps({"role": "assistant", "text": text, "reasoning": [], "tool_calls": []}), "assistant", 5
        )
        return ModelAnswer(ask.message_id, entry, text, calls, "end", 10, 5)

    async def _look(self, ask: ToolAsk) -> LookedAt:
        decision = "ask" if ask.call.name == "write" else "allow"
        expires = time.time_ns() // 1000 + 5000 if self._hurried else 0
        return LookedAt(decision, binding="ab", canonical_args=ask.call.args_json, expires_micros=expires)

    async def _call_harmless(self, ask: ToolAsk) -> ToolEnd:
        await asyncio.sleep(0)
        return done(self.ledger, ask)

    async def _tell(self, events: bytes) -> None:
        await asyncio.sleep(0)

    async def _decide(self) -> None:
        """Approve and answer by updates, again and again: what does not fit is refused."""
        while True:
            for number in range(1, 10):
                for again in () if self._hurried else ("", ".again"):
                    self.run.update("resolve_approval", f"call-{number}{again}", 1, "", "ab", "")
                self.run.update("answer", f"question-{number}", "retry")
            await asyncio.sleep(0.002)


def copies(groups: Sequence[Group]) -> list[JournalRecord]:
    """The records of groups, as they would be read again."""
    return [JournalRecord.FromString(record.SerializeToString()) for record in records_of(groups)]


async def test_the_loop_goes_on_from_every_prefix_of_its_journal() -> None:
    whole = Play()
    end = await whole.outcome()
    assert isinstance(end, Completed), end
    groups = [group for group in whole.journal.groups if group.records]
    assert whole.ledger.count("call-3") == 1
    for length in range(1, len(groups) + 1):
        again = Play()
        found = await again.outcome(copies(groups[:length]))
        assert isinstance(found, Completed), f"from {length} of {len(groups)} groups: {found}"
        assert found.value == end.value, f"from {length} groups"
    replayed = Play()
    assert await replayed.outcome(copies(groups)) == end
    assert replayed.ledger == []


@pytest.mark.parametrize("records", [30, 12])
async def test_a_long_run_goes_on_as_new(monkeypatch: pytest.MonkeyPatch, records: int) -> None:
    monkeypatch.setattr("stigmer_runner.engine.instance.LONG_RUN", records)
    whole = Play()
    end = await whole.outcome()
    assert isinstance(end, Completed), end
    starts = [j.start for r in whole.journal.records for j in r.activation.jobs if j.HasField("start")]
    assert any(start.continued_from for start in starts)
    groups = [group for group in whole.journal.groups if group.records]
    for length in range(1, len(groups) + 1, 3):
        again = Play()
        found = await again.outcome(copies(groups[:length]))
        assert isinstance(found, Completed), f"from {length} of {len(groups)} groups: {found}"
        assert found.value == end.value


async def test_a_decision_that_nobody_makes_in_time_is_told_to_the_model() -> None:
    play = Play(hurried=True)
    end = await play.outcome()
    assert isinstance(end, Completed), end
    assert play.ledger == ["call-1", "call-2", "call-7"], "no call that waits for a person was made"
    with pytest.raises(UpdateRefused):
        await play.run.update("resolve_approval", "call-3", 1, "", "ab", "")
