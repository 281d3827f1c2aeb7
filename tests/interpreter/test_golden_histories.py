"""Journals of earlier versions still replay to their ends, without anything being done again."""

import pytest

from tests.interpreter.golden_histories import HISTORIES, file_of, records_of
from tests.interpreter.test_scenarios import SCENARIOS, Scenario


def test_every_journal_has_its_scenario() -> None:
    assert {path.name for path in HISTORIES.glob("*.json")} == {file_of(each).name for each in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.about for each in SCENARIOS])
async def test_a_journal_of_an_earlier_version_replays_to_its_end(scenario: Scenario) -> None:
    play = scenario.play()
    scenario.held(await play.outcome(records_of(file_of(scenario))))
    assert play.ledger.calls == []
    assert play.journal.records == []
