"""Every scenario runs, and goes on from every prefix of its journal to the same end; a whole journal replays without doing anything."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis.workflow.document_json import Json
from stigmer_runner.durable.workflow_messages import ASK, HTTP, TaskCall
from stigmer_runner.engine.chronicle import Completed, Failed, RunOutcome
from stigmer_runner.engine.journal import MemoryJournal
from stigmer_runner.engine.port import Engine
from tests.interpreter.playing import LIVENESS, Play, copies
from tests.support.scale import scaled

FILE = Path(__file__).with_name("scenarios.yaml")
HEAD: Json = {"dsl": "1.0.0", "namespace": "tests", "name": "scenario", "version": "1.0.0"}


@dataclass(frozen=True)
class Scenario:
    """One behaviour."""

    about: str
    document: dict[str, Json]
    input: Json = None
    signals: tuple[tuple[str, Json], ...] = ()
    output: Json = None
    error: str = ""

    def play(
        self,
        engine: Engine | None = None,
        execution_id: str = "wex-test",
        journal: MemoryJournal | None = None,
        patience: float = LIVENESS,
    ) -> Play:
        """A run of it. The signals are sent at once: the run passes over those that it has taken before."""
        text, answers = json.dumps({"document": HEAD, **self.document}), {HTTP: answer, ASK: retry}
        play = Play(text, self.input, answers, engine=engine, execution_id=execution_id, journal=journal)
        play.patience = patience
        for number, (name, data) in enumerate(self.signals):
            play.run.signal("signal", name, json.dumps(data), f"c{number}", False, command_id=f"c{number}")
        return play

    def held(self, found: RunOutcome) -> None:
        """Fails where the end is another."""
        if self.error:
            assert isinstance(found, Failed), found
            assert found.reason == self.error
        else:
            assert isinstance(found, Completed), found
            assert isinstance(found.value, str)
            assert json.loads(found.value) == self.output


def retry(_ask: TaskCall) -> Json:
    """What a person says of an outcome that nobody knows."""
    return "retry"


def answer(ask: TaskCall) -> Json:
    """What a server says: `/flaky/N` works from the Nth attempt on, anything else is given back."""
    given: Json = json.loads(ask.arguments_json)
    assert isinstance(given, dict)
    endpoint = given["endpoint"]
    assert isinstance(endpoint, dict)
    uri = str(endpoint["uri"])
    if "/flaky/" in uri:
        if ask.attempt < int(uri.rsplit("/", 1)[1]):
            return {"$fail": {"type": "https://e.com/away", "status": 503, "title": "Away"}}
        return {"attempt": ask.attempt}
    return given


def scenarios() -> list[Scenario]:
    """All of the file."""
    read: list[dict[str, Json]] = json.loads(json.dumps(yaml.safe_load(FILE.read_text())))
    found: list[Scenario] = []
    for each in read:
        document, letters, about = each["document"], each.get("signals"), each["about"]
        assert isinstance(document, dict)
        signals: list[tuple[str, Json]] = []
        for letter in letters if isinstance(letters, list) else ():
            assert isinstance(letter, list)
            signals.append((str(letter[0]), letter[1]))
        error = str(each.get("error", ""))
        found.append(Scenario(str(about), document, each.get("input"), tuple(signals), each.get("output"), error))
    return found


SCENARIOS = scenarios()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.about for each in SCENARIOS])
async def test_a_scenario_goes_on_from_every_prefix(scenario: Scenario) -> None:
    whole = scenario.play()
    scenario.held(await whole.outcome())
    groups = [group for group in whole.journal.groups if group.records]
    step = scaled(max(len(groups) // 6, 1), 1)
    prefixes: list[list[JournalRecord]] = [copies(groups[:length]) for length in range(1, len(groups), step)]
    for prefix in prefixes:
        again = scenario.play()
        scenario.held(await again.outcome(prefix))
    replayed = scenario.play()
    async with asyncio.timeout(30):
        scenario.held(await replayed.outcome(copies(groups)))
    assert replayed.ledger.calls == []
    assert replayed.journal.records == []
    assert replayed.events == [], "nothing is told twice"
