"""Journals of earlier versions still replay to their ends. One is added with each change of what a durable definition does."""

from pathlib import Path

import pytest
from google.protobuf.json_format import Parse

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalBatch
from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Cancelled, Completed, Failed, RunOutcome, SilentChronicle
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.engine.journal import MemoryJournal

HISTORIES = Path(__file__).parent / "golden"

UNKNOWN = (
    "The runner stopped while `sleep 60` was running: nobody knows how far it came. What it had printed is kept; "
    "it is not run again by itself. Not run: `echo never`."
)
ENDS: dict[str, RunOutcome] = {
    "agent-loop-completed": Completed({"lines": 3}),
    "agent-loop-cancelled": Cancelled("enough"),
    "agent-loop-unknown": Failed(UNKNOWN, "OutcomeUnknown"),
    "agent-loop-talking": Completed(
        {
            "error": "",
            "messages": 1,
            "text": "answer 5",
            "used": {"cost_micro_usd": 0, "tokens": 90, "turns": 6},
        }
    ),
}


def test_every_history_has_its_end() -> None:
    assert {path.stem for path in HISTORIES.glob("*.json")} == set(ENDS)


@pytest.mark.parametrize("name", sorted(ENDS))
async def test_a_journal_of_an_earlier_version_replays_to_its_end(name: str) -> None:
    records = Parse((HISTORIES / f"{name}.json").read_text(), JournalBatch()).records
    journal = MemoryJournal()
    run = EmbeddedRun(RunPlan(AgentLoop, "aex-test"), Activities(()), journal, SilentChronicle())
    assert await run.execute(records) == ENDS[name]
    assert journal.records == [], "nothing was done again"
