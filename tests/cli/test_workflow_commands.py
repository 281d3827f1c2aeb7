"""Workflows from the command line: what they are given, how they are named, what is said of them."""

import json
import sys
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path

import click
import pytest
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.errors import InvalidArgument
from stigmer_tui.cli.run_workflow import is_document
from stigmer_tui.cli.workflow_input import LARGEST, data_of, input_of
from stigmer_tui.records.workflow_html import WorkflowHtml
from stigmer_tui.records.workflow_markdown import WorkflowPage
from stigmer_tui.workflow.lines import TURNS_TOLD, RunLines
from tests.support.workstation import Workstation, new_workstation
from tests.tui import workflow_scripts as script
from tests.tui.support import MOMENT

EXAMPLES = Path(__file__).parents[2] / "examples" / "workflows"


def value(source: str | None, *settings: str) -> object:
    """The input as plain data."""
    given = input_of(source, settings)
    return None if given is None else MessageToDict(given)


def test_an_input_is_a_file_with_single_values_over_it(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text('\ufeff{"order": {"id": 1}, "kept": true}')
    assert value(None) is None
    assert value(str(file), "order.id=7", "order.name=seven", "new.deep.list=[1]", 'text="8"') == {
        "order": {"id": 7.0, "name": "seven"},
        "kept": True,
        "new": {"deep": {"list": [1.0]}},
        "text": "8",
    }
    assert value(None, "word=hello world", "empty=") == {"word": "hello world", "empty": ""}


def test_an_input_may_come_by_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"[1, 2]")))
    assert value("-") == [1.0, 2.0]


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "NaN", "[" * 100_000, '"\\ud800'])
def test_what_is_no_json_is_told_with_its_place(text: str, tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text(text)
    with pytest.raises(InvalidArgument, match=r"input\.json"):
        value(str(file))


def test_files_that_cannot_be_taken_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="cannot be read"):
        value(str(tmp_path / "nowhere.json"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArgument, match="UTF-8"):
        value(str(tmp_path / "binary"))
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(InvalidArgument, match="16 MiB"):
        value(str(large))


@pytest.mark.parametrize("setting", ["novalue", "=1", "a..b=1", ".a=1"])
def test_values_are_set_by_name(setting: str) -> None:
    with pytest.raises(click.UsageError):
        value(None, setting)
    with pytest.raises(click.UsageError):
        value(None, "a=1", "a.b=2")


def test_data_of_a_signal_is_json_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"approved": true}')
    found = data_of(f"@{tmp_path}/data.json")
    assert found is not None
    assert MessageToDict(found) == {"approved": True}
    assert data_of(None) is None
    with pytest.raises(InvalidArgument, match="--data"):
        data_of("yes")


def test_a_file_is_told_from_a_name_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    assert is_document("orders.yaml")
    assert is_document("-")
    assert is_document(str(tmp_path / "plain"))
    assert not is_document("orders")
    assert not is_document("agent/orders")


def test_a_run_is_told_line_by_line() -> None:
    lines = RunLines("wex-1")
    told = [line for event in script.orders_until_asked(MOMENT) for line in lines.take(event)]
    assert told[0] == "✓ fetch  1.2 s"
    assert "● pay failed: it ended with 1; try 2 in 5 s" in told
    assert "✗ pay/charge failed: it ended with 1" in told
    assert any("stigmer signal wex-1 approved" in line for line in told)
    assert f"● ask/agent started {script.CHILD}" in told


def test_of_many_turns_the_first_few_are_told_and_what_fails() -> None:
    lines = RunLines("wex-1", shapes=False)
    told: list[str] = []
    for turn in range(100):
        error = "refused" if turn == 90 else ""
        told += lines.take(script.started(script.CHECK, visit=turn + 1, index=turn))
        told += lines.take(script.finished(script.CHECK, visit=turn + 1, error=error))
    assert len(told) == TURNS_TOLD + 1
    assert told[-1] == "check failed: refused"


@pytest.mark.parametrize("page_of", [WorkflowPage, WorkflowHtml])
def test_a_page_of_a_run_holds_what_tasks_took_and_gave_and_obeys_nothing(
    page_of: "type[WorkflowPage] | type[WorkflowHtml]",
) -> None:
    written: list[str] = []
    page = page_of(written.append, "wex-1")
    evil = "```\n# <script>\x1b[31m"
    page.take(1, ev.Event(execution_created=ev.ExecutionCreated(workflow_name="a*b")))
    for event in (*script.orders_until_asked(MOMENT), script.finished(script.PERSON, output={"said": evil})):
        page.take(2, event)
    page.finish()
    text = "".join(written)
    assert "\x1b" not in text
    if page_of is WorkflowPage:
        assert "# a\\*b" in text
        assert '"receipt": "r-1"' in text
        assert "### ask / person" in text
    else:
        assert "<h1>a*b</h1>" in text
        assert "&quot;receipt&quot;: &quot;r-1&quot;" in text
        assert "<code>ask / person</code>" in text
        assert "<script" not in text
        assert text.endswith("</html>\n")


@pytest.fixture(scope="module")
def workstation() -> Iterator[Workstation]:
    """With a workflow in it."""
    with new_workstation() as made:
        made.run("apply", "-f", str(EXAMPLES / "hello.yaml"))
        yield made


def test_names_and_documents_are_run(workstation: Workstation, tmp_path: Path) -> None:
    assert json.loads(workstation.run("run", "hello").stdout) == {"said": "hello you"}
    by_stdin = workstation.run("run", "-", "--set", "name=ann", stdin=(EXAMPLES / "hello.yaml").read_bytes())
    assert json.loads(by_stdin.stdout) == {"said": "hello ann"}
    (tmp_path / "wrong.yaml").write_text((EXAMPLES / "hello.yaml").read_text().replace("then: shout", "then: shuot"))
    refused = workstation.run("run", str(tmp_path / "wrong.yaml"), code=65).stderr.decode()
    assert "did you mean `shout`" in refused
    assert "nothing was run" in refused


def test_what_a_name_cannot_be_is_told(workstation: Workstation, tmp_path: Path) -> None:
    assert b"no agent and no workflow" in workstation.run("run", "nobody", code=66).stderr
    assert b"say with --message" in workstation.run("run", "shell", code=64).stderr
    assert b"takes --input" in workstation.run("run", "workflow/hello", "-m", "x", code=64).stderr
    agent = (
        "apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nmetadata: {name: hello}\nspec: {instructions: You greet.}\n"
    )
    (tmp_path / "agent.yaml").write_text(agent)
    workstation.run("apply", "-f", str(tmp_path / "agent.yaml"))
    assert b"agent/hello or workflow/hello" in workstation.run("run", "hello", code=65).stderr


def test_runs_are_retried_listed_and_written_out(workstation: Workstation) -> None:
    run = workstation.run("workflow", "execute", "hello", "--detach").stdout.decode().strip()
    workstation.run("logs", "-f", run)
    assert json.loads(workstation.run("retry", run).stdout) == {"said": "hello you"}
    assert b"completed" in workstation.run("workflow", "history", "hello").stdout
    assert b"### greet" in workstation.run("export", run, "--format", "markdown").stdout
    assert json.loads(workstation.run("export", run, "--format", "json").stdout)["events"]
