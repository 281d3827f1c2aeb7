"""`python -m tests.interpreter.golden_histories` writes a journal for each scenario that has none yet. What stands there is never written anew:
it is what an earlier version left behind."""

import asyncio
import re
from pathlib import Path

from google.protobuf.json_format import MessageToJson, Parse

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalBatch, JournalRecord
from tests.interpreter.test_scenarios import SCENARIOS, Scenario

HISTORIES = Path(__file__).with_name("golden")


def file_of(scenario: Scenario) -> Path:
    """Where its journal stands."""
    return HISTORIES / f"{re.sub('[^a-z0-9]+', '-', scenario.about.lower())[:60].strip('-')}.json"


def records_of(path: Path) -> list[JournalRecord]:
    """The records of a journal."""
    return list(Parse(path.read_text(), JournalBatch()).records)


async def write(scenario: Scenario) -> None:
    """Run it and write its journal."""
    play = scenario.play()
    scenario.held(await play.outcome())
    file_of(scenario).write_text(MessageToJson(JournalBatch(records=play.journal.records), indent=1) + "\n")


async def main() -> None:
    """Write those that are missing."""
    HISTORIES.mkdir(exist_ok=True)
    for scenario in SCENARIOS:
        if not file_of(scenario).exists():
            await write(scenario)


if __name__ == "__main__":
    asyncio.run(main())
