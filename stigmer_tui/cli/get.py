"""`stigmer get`: lists of any kind, one resource of it, and what changes."""

import json
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import click
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis.client import Client
from stigmer_tui.cli.columns import Column, columns_of
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.listing import Asked, Lister, lister
from stigmer_tui.cli.naming import KindName, LabelType, complete_names
from stigmer_tui.cli.printing import Form, Output, OutputForm, print_data
from stigmer_tui.cli.resources import fetch, meant
from stigmer_tui.cli.tables import Table
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.text import safe

PHASES = {
    name.removeprefix("EXECUTION_").lower().replace("_", "-"): number
    for name, number in enums.ExecutionPhase.items()
    if number
}


def list_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of every command that lists."""
    for option in (
        click.option("-o", "--output", type=OutputForm(), default="table", show_default=True, help="How to print it."),
        click.option(
            "-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
        ),
        click.option(
            "-l", "--label", "labels", type=LabelType(), multiple=True, help="Only with this label; may be given again."
        ),
        click.option("--text", default="", help="Only with this text in name, id, description or labels; executions: in subject, last line, agent, id or error."),
        click.option("--oldest", is_flag=True, help="Oldest first."),
        click.option("-w", "--watch", is_flag=True, help="Go on and print what changes, until Ctrl+C."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("get")
@click.argument("kind", type=KindName())
@click.argument("name", required=False, shell_complete=complete_names)
@click.option(
    "--phase",
    type=click.Choice(list(PHASES)),
    multiple=True,
    help="Executions: only in this phase; may be given again.",
)
@list_options
def command(
    kind: Kind,
    name: str | None,
    output: Output,
    limit: int,
    labels: tuple[tuple[str, str], ...],
    phase: tuple[str, ...],
    text: str,
    oldest: bool,
    watch: bool,
) -> int:
    """List resources of a KIND, newest first, or show the one called NAME.

    \b
    Examples:
      stigmer get executions --phase failed
      stigmer get agents -o json
      stigmer get agent shell -o yaml
      stigmer get environments -l team=support -o jsonpath='$[*].metadata.name'
    """
    if phase and "execution" not in kind.field:
        raise click.UsageError(f"--phase is for executions; {kind.plural} have none.")
    asked = Asked(limit, dict(labels), [PHASES[each] for each in phase], text, oldest)
    if name is not None:
        return show_one(kind, name, output)
    return show_list(kind, asked, output, watch=watch)


def show_one(kind: Kind, name: str, output: Output) -> int:
    """Print the resource with this name or id."""
    kind = meant(kind, name)

    async def work(client: Client) -> int:
        resource = await fetch(client, kind, name)
        if output.is_table:
            table = _table(columns_of(kind), output, [resource])
            table.print_head()
            table.print_rows(_cells(columns_of(kind), output, [resource]))
        else:
            print_data(output, MessageToDict(resource), [f"{kind.word}/{resource.metadata.slug}"])
        return ExitCode.OK

    return with_client(work)


def show_list(kind: Kind, asked: Asked, output: Output, *, watch: bool = False) -> int:
    """Print what fits, and with `watch` what changes from then on."""
    if watch and asked.text:
        raise click.UsageError("--watch and --text do not go together: what changes is not searched.")

    async def work(client: Client) -> int:
        lists = lister(client, kind)
        found = await lists.list(asked)
        if watch:
            return await _watch(lists, asked, output, found.rows, found.revision)
        if output.is_table:
            table = _table(lists.columns, output, found.rows)
            table.print_head()
            table.print_rows(_cells(lists.columns, output, found.rows))
        else:
            print_data(output, [MessageToDict(row) for row in found.rows], [lists.name(row) for row in found.rows])
        if found.more:
            which = "oldest" if asked.oldest_first else "newest"
            note(f"stigmer: there are more; the {which} {len(found.rows)} are shown (--limit)")
        return ExitCode.OK

    return with_client(work)


async def _watch(lists: Lister, asked: Asked, output: Output, rows: Sequence[Any], revision: int) -> int:
    """Print `rows`, then every change on a line of its own."""
    table = _table(lists.columns, output, rows)
    if output.is_table:
        table.print_head()
    _print_changed(lists, output, table, rows)
    names = {_id(row): lists.name(row) for row in rows}
    async with aclosing(lists.watch(asked, revision)) as changes:
        async for change in changes:
            if change.reset:
                _print_changed(lists, output, table, (await lists.list(asked)).rows)
            _print_changed(lists, output, table, change.changed)
            names.update((_id(row), lists.name(row)) for row in change.changed)
            for gone in change.removed:
                note(f"stigmer: {safe(names.pop(gone, gone))} is gone")
    return ExitCode.OK


def _print_changed(lists: Lister, output: Output, table: Table, rows: Sequence[Any]) -> None:
    if output.is_table:
        table.print_rows(_cells(lists.columns, output, rows))
        return
    for row in rows:
        data = MessageToDict(row)
        if output.form is Form.JSON:
            click.echo(json.dumps(data, ensure_ascii=True))
        else:
            print_data(output, [data] if output.form is Form.YAML else data, [lists.name(row)])


def _id(row: Any) -> str:
    return row.metadata.id if hasattr(row, "metadata") else row.execution_id


def _shown(columns: Sequence[Column], output: Output) -> list[Column]:
    return [column for column in columns if output.form is Form.WIDE or not column.wide]


def _table(columns: Sequence[Column], output: Output, rows: Sequence[Any]) -> Table:
    return Table([column.heading for column in _shown(columns, output)], _cells(columns, output, rows))


def _cells(columns: Sequence[Column], output: Output, rows: Sequence[Any]) -> list[list[str]]:
    return [[column.cell(row) for column in _shown(columns, output)] for row in rows]
