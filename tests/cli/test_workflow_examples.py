"""Each document of examples/workflows runs as it stands: without a network, without a key, on the real daemon and runner."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.workstation import Workstation, new_workstation

EXAMPLES = Path(__file__).parents[2] / "examples" / "workflows"


@pytest.fixture(scope="module")
def workstation() -> Iterator[Workstation]:
    """One for all: they do not know of each other."""
    with new_workstation() as made:
        yield made


def gives(workstation: Workstation, name: str, *arguments: str) -> Any:
    """What the example gives."""
    return json.loads(workstation.run("run", str(EXAMPLES / f"{name}.yaml"), *arguments).stdout)


def waits(workstation: Workstation, execution_id: str) -> bool:
    """Whether something in it waits for a signal."""
    return any("signals" in event.get("workflowTaskWaiting", {}) for event in workstation.events(execution_id))


def given(workstation: Workstation, execution_id: str) -> Any:
    """What a run gave, once it has ended."""
    return json.loads(workstation.run("logs", "-f", execution_id).stdout)


def test_hello(workstation: Workstation) -> None:
    assert gives(workstation, "hello") == {"said": "hello you"}
    assert gives(workstation, "hello", "--set", "name=ann", "--set", "loud=true") == {"said": "HELLO ANN!"}


def test_loop(workstation: Workstation, tmp_path: Path) -> None:
    assert gives(workstation, "loop") == {"total": 1290, "counted": 3}
    orders = tmp_path / "orders.json"
    orders.write_text('{"orders": [{"price": 1}, {"price": 2}]}')
    assert gives(workstation, "loop", "--input", str(orders)) == {"total": 3, "counted": 2}


def test_gather(workstation: Workstation) -> None:
    assert gives(workstation, "gather") | {"system": ""} == {"system": "", "longest": "eleven", "squares": 30}


def test_retry(workstation: Workstation) -> None:
    assert gives(workstation, "retry")["flaky"] == "worked at try 3"


def test_race(workstation: Workstation) -> None:
    assert gives(workstation, "race")["data"] == {"from": "near"}


def test_events(workstation: Workstation) -> None:
    found = gives(workstation, "events")["found"]
    assert "gold" in json.dumps(found)
    assert "shells" not in json.dumps(found)


def test_disk_space(workstation: Workstation) -> None:
    assert gives(workstation, "disk-space")["free"] > 0
    workstation.run("apply", "-f", str(EXAMPLES / "disk-space.yaml"))
    assert b"cron 0 3 * * *" in workstation.run("schedule", "list").stdout
    started = workstation.run("schedule", "trigger", "disk-space").stdout.decode().strip()
    assert given(workstation, started)["free"] > 0
    workstation.run("schedule", "pause", "disk-space")
    assert b"paused" in workstation.run("schedule", "list").stdout


def test_ask_an_agent(workstation: Workstation) -> None:
    assert gives(workstation, "ask-an-agent", "--set", "text=good morning")["said"].startswith("good morning")


def test_parent(workstation: Workstation) -> None:
    """What it runs stands in the same file; stored, each of them has its own name."""
    assert gives(workstation, "parent") == {"total": 9}
    workstation.run("apply", "-f", str(EXAMPLES / "parent.yaml"))
    workstation.run("run", "workflow/parent")
    assert b"completed" in workstation.run("workflow", "history", "basket").stdout


def test_approval(workstation: Workstation) -> None:
    execution_id = workstation.run("run", str(EXAMPLES / "approval.yaml"), "--detach").stdout.decode().strip()
    workstation.until(lambda: waits(workstation, execution_id), "it waits")
    workstation.run("signal", execution_id, "answer", "--data", '{"approved": true}')
    assert given(workstation, execution_id) == "shipped 7"
    workstation.run("signal", execution_id, "answer", code=79)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The model of the review, played by its script; where it serves."""
    script = EXAMPLES / "review" / "script.txt"
    command = [sys.executable, "-m", "stigmer_runner.models.scripted", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()
        process.terminate()


def test_review(provider: str) -> None:
    with new_workstation(OLLAMA_BASE_URL=provider, STIGMER_LLM_MODEL="ollama/reviewer") as workstation:
        workstation.run("apply", "-f", str(EXAMPLES / "review"))
        execution_id = workstation.run("run", str(EXAMPLES / "review.yaml"), "--detach").stdout.decode().strip()
        workstation.until(lambda: waits(workstation, execution_id), "both have read it", 60.0)
        workstation.run("signal", execution_id, "verdict", "--data", '{"merge": true}')
        found = given(workstation, execution_id)
        assert "Thirty tries" in found["said"]["safety"]
        assert "why it is thirty" in found["said"]["clarity"]


def test_every_example_is_tried() -> None:
    tests = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.yaml")} <= tests
