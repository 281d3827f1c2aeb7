"""`stigmer export`: a run written out, as a recording or as a page."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import Client, TailBatch, TailReset
from stigmer_apis.errors import DataLoss
from stigmer_apis.ids import Prefix
from stigmer_tui.archives.exporting import Exporter
from stigmer_tui.archives.writing import written_archive
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions
from stigmer_tui.cli.saving import saved_file
from stigmer_tui.records.asciicast import CastVersion, CastWriter
from stigmer_tui.records.document_json import JsonWriter
from stigmer_tui.records.html import HtmlWriter
from stigmer_tui.records.markdown import MarkdownWriter
from stigmer_tui.records.reading import RecordReader
from stigmer_tui.records.workflow_markdown import WorkflowPage
from stigmer_tui.text import safe

Write = Callable[[str], object]
Take = Callable[[int, Event], None]
Finish = Callable[[], None]

ARCHIVE = "archive"
FORMATS = ("markdown", "html", "json", ARCHIVE)


@click.command("export")
@click.argument("execution_id", metavar="[ID]", default="", shell_complete=complete_executions)
@click.option(
    "--all", "everything", is_flag=True, help="With --format archive: every run that has ended, and every resource."
)
@click.option("--cast", is_flag=True, help="A recording of its terminals (asciicast), for `asciinema play`.")
@click.option("--version", type=click.Choice(["2", "3"]), default=None, help="Which asciicast; 2 unless given.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=None,
    help="A page to read, all events as JSON, or an archive for `stigmer import`.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), default="-", help="A file to write; - for standard output."
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
def command(
    execution_id: str, everything: bool, cast: bool, version: str | None, form: str | None, output: str, force: bool
) -> int:
    """Write the run ID out: as a recording of its terminals, as a page, or as an archive that another store takes.

    A run that has not ended is written as far as it has come, but into no archive. Pages hold no scripts and load nothing. An archive holds no secrets.

    \b
    Examples:
      stigmer export aex-01jd... --cast -o run.cast
      stigmer export aex-01jd... --cast --version 3 -o run3.cast
      stigmer export aex-01jd... --format html -o run.html
      stigmer export aex-01jd... --format markdown | less
      stigmer export --all --format archive -o everything.tar.gz
    """
    if cast == (form is not None):
        raise click.UsageError("give either --cast or --format markdown|html|json|archive")
    if everything != (not execution_id) or (everything and form != ARCHIVE):
        raise click.UsageError("name a run, or give --all with --format archive")
    if form == ARCHIVE:
        return _export_archive(execution_id, output, force)
    if version is not None and not cast:
        raise click.UsageError("--version is that of --cast")

    async def work(client: Client) -> int:
        is_workflow = execution_id.startswith(f"{Prefix.WORKFLOW_EXECUTION}-")
        if is_workflow and form == "html":
            raise click.UsageError("the page of a workflow's run is --format markdown")
        get = client.workflows.get if is_workflow else client.get_execution
        execution = await get(execution_id)
        with _target(output, force) as file:
            out = _Utf8(file)
            take, finish = _writer(out, execution, form, CastVersion(int(version or 2)))
            await _pass_events(client, execution_id, take)
            finish()
            out.flush()
        if output != "-":
            note(f"stigmer: {safe(output)} is written")
        return ExitCode.OK

    return with_client(work)


def _export_archive(execution_id: str, output: str, force: bool) -> int:
    """Everything, or the run that is named, as an archive."""
    if output == "-" and sys.stdout.isatty():
        raise click.UsageError("an archive is no text for a terminal: name a file with -o FILE")

    async def work(client: Client) -> int:
        with _target(output, force) as file, written_archive(file) as archive:
            exporter = Exporter(client, archive)
            await (exporter.run(execution_id) if execution_id else exporter.everything())
        done = exporter.exported
        for line in done.left_out:
            note(f"stigmer: left out {safe(line)}")
        where = "standard output" if output == "-" else safe(output)
        runs = "1 run" if done.runs == 1 else f"{done.runs} runs"
        note(f"stigmer: {where} holds {runs} and {done.resources} resources; secrets are left out")
        return ExitCode.OK

    return with_client(work)


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


def _target(output: str, force: bool) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdout.buffer) if output == "-" else saved_file(Path(output), force=force)


def _writer(
    write: Write, execution: AgentExecution | WorkflowExecution, form: str | None, version: CastVersion
) -> tuple[Take, Finish]:
    """What takes the events, and what ends the document."""
    if isinstance(execution, WorkflowExecution):
        return _workflow_writer(write, execution, form, version)
    title = _title(execution)
    match form:
        case None:
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
            page = HtmlWriter(write, title) if form == "html" else MarkdownWriter(write, title)
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
    write: Write, execution: WorkflowExecution, form: str | None, version: CastVersion
) -> tuple[Take, Finish]:
    """The same for a run of a workflow."""
    match form:
        case None:
            cast = CastWriter(write, version, execution.metadata.id)
            return lambda _, event: cast.take(event), cast.finish
        case "json":
            about = WorkflowExecution()
            about.CopyFrom(execution)
            del about.status.tasks[:]
            document = JsonWriter(write, about)
            return document.take, document.finish
        case _:
            page = WorkflowPage(write, execution.metadata.id)
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
