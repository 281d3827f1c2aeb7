"""A run written out: as a recording of its terminals, as a page, as all of its events."""

from collections.abc import Callable
from typing import BinaryIO

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import Client, TailBatch, TailReset
from stigmer_apis.errors import DataLoss
from stigmer_apis.ids import Prefix
from stigmer_apis.workflow.document_json import workflow_of_run
from stigmer_tui.records.asciicast import CastVersion, CastWriter
from stigmer_tui.records.document_json import JsonWriter
from stigmer_tui.records.html import HtmlWriter
from stigmer_tui.records.markdown import MarkdownWriter
from stigmer_tui.records.reading import RecordReader
from stigmer_tui.records.workflow_html import WorkflowHtml
from stigmer_tui.records.workflow_markdown import WorkflowPage

Write = Callable[[str], object]
Take = Callable[[int, Event], None]
Finish = Callable[[], None]

CAST, MARKDOWN, HTML, JSON = "cast", "markdown", "html", "json"
FORM_OF_SUFFIX = {".md": MARKDOWN, ".markdown": MARKDOWN, ".html": HTML, ".htm": HTML, ".json": JSON, ".cast": CAST}
"""What a file's name says about what is to be in it."""


async def write_run(
    client: Client, execution_id: str, file: BinaryIO, form: str, version: CastVersion = CastVersion.TWO
) -> None:
    """Write a run as far as it has come. `form`: one of `CAST`, `MARKDOWN`, `HTML`, `JSON`.

    Raises `DataLoss` where events of it are not there any more.
    """
    is_workflow = execution_id.startswith(f"{Prefix.WORKFLOW_EXECUTION}-")
    get = client.workflows.get if is_workflow else client.get_execution
    execution = await get(execution_id)
    out = _Utf8(file)
    take, finish = _writer(out, execution, form, version)
    await _pass_events(client, execution_id, take)
    finish()
    out.flush()


class _Utf8:
    """Text to bytes, in large pieces."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: list[str] = []
        self._size = 0

    def __call__(self, text: str) -> None:
        self._waiting.append(text)
        self._size += len(text)
        if self._size >= 1 << 18:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits."""
        self._file.write("".join(self._waiting).encode("utf-8", "replace"))
        self._file.flush()
        self._waiting.clear()
        self._size = 0


def _writer(
    write: Write, execution: AgentExecution | WorkflowExecution, form: str, version: CastVersion
) -> tuple[Take, Finish]:
    """What takes the events, and what ends the document."""
    if isinstance(execution, WorkflowExecution):
        return _workflow_writer(write, execution, form, version)
    title = _title(execution)
    match form:
        case "cast":
            cast = CastWriter(write, version, title)
            return lambda _, event: cast.take(event), cast.finish
        case "json":
            about = AgentExecution()
            about.CopyFrom(execution)
            del about.status.messages[:]
            del about.status.tool_calls[:]
            document = JsonWriter(write, about)
            return document.take, document.finish
        case _:
            page = HtmlWriter(write, title) if form == HTML else MarkdownWriter(write, title)
            reader = RecordReader()

            def take(seq: int, event: Event) -> None:
                for part in reader.take(event):
                    page.take(part)

            def finish() -> None:
                for part in reader.finish():
                    page.take(part)
                page.finish()

            return take, finish


def _workflow_writer(
    write: Write, execution: WorkflowExecution, form: str, version: CastVersion
) -> tuple[Take, Finish]:
    """The same for a run of a workflow."""
    match form:
        case "cast":
            cast = CastWriter(write, version, execution.metadata.id)
            return lambda _, event: cast.take(event), cast.finish
        case "json":
            about = WorkflowExecution()
            about.CopyFrom(execution)
            del about.status.tasks[:]
            document = JsonWriter(write, about)
            return document.take, document.finish
        case _:
            workflow = workflow_of_run(execution.status.document_json)
            kind = WorkflowHtml if form == HTML else WorkflowPage
            page = kind(write, execution.metadata.id, workflow)
            return page.take, page.finish


def _title(execution: AgentExecution) -> str:
    first, _, _ = execution.spec.message.strip().partition("\n")
    return first[:120] or execution.metadata.id


async def _pass_events(client: Client, execution_id: str, take: Take) -> None:
    """All events so far, in order."""
    async for item in client.tail(execution_id, follow=False):
        if isinstance(item, TailReset) and item.first_available > 1:
            raise DataLoss(
                f"events of {execution_id} before number {item.first_available} are not there any more",
                remedy="`stigmer describe` shows what is known of it",
            )
        if isinstance(item, TailReset):
            raise DataLoss("the server's store was restored meanwhile", remedy="export it again")
        if isinstance(item, TailBatch):
            for place, event in enumerate(item.events):
                take(item.first_seq + place, event)
