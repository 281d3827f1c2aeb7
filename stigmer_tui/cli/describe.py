"""`stigmer describe`: one resource on a page for a person."""

from contextlib import aclosing
from typing import Any

import click

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis.client import Client, TailBatch
from stigmer_apis.errors import FailedPrecondition
from stigmer_tui.cli.columns import age, damage_of, phase_words, sandbox_of
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.history import moment, print_versions, versions_of
from stigmer_tui.cli.naming import KindName, complete_names
from stigmer_tui.cli.resources import fetch, meant, number
from stigmer_tui.cli.tables import print_table
from stigmer_tui.manifests.kinds import (
    AGENT,
    AGENT_EXECUTION,
    BY_NUMBER,
    EXECUTION_CONTEXT,
    SESSION,
    WORKFLOW_EXECUTION,
    Kind,
)
from stigmer_tui.manifests.writing import resource_data, to_yaml
from stigmer_tui.text import safe

RECENT = 5
EXECUTIONS = (AGENT_EXECUTION, WORKFLOW_EXECUTION)
WITHOUT_VERSIONS = (*EXECUTIONS, EXECUTION_CONTEXT)


@click.command("describe")
@click.argument("kind", type=KindName())
@click.argument("name", shell_complete=complete_names)
def command(kind: Kind, name: str) -> int:
    """Show the resource of a KIND called NAME on a page: who it is, what it says, what depends on it, what it was before.

    \b
    Examples:
      stigmer describe agent shell
      stigmer describe environment support
    """

    kind = meant(kind, name)

    async def work(client: Client) -> int:
        resource = await fetch(client, kind, name)
        engine, page = await _engine_of(client, resource.metadata.id) if kind in EXECUTIONS else ("", "")
        _print_head(kind, resource, engine, page)
        _section("Spec", to_yaml(resource_data(resource.spec)))
        await _print_dependants(client, kind, resource)
        await _print_executions(client, kind, resource)
        if kind not in WITHOUT_VERSIONS:
            found, more = await versions_of(client, kind, resource.metadata.id, RECENT)
            click.echo("\nVersions")
            print_versions(found, "  ")
            if more:
                click.echo(f"  more: stigmer history {kind.word} {safe(resource.metadata.slug)}")
        return ExitCode.OK

    return with_client(work)


async def _engine_of(client: Client, execution_id: str) -> tuple[str, str]:
    """What drives a run, and where that shows it: its first event says so."""
    async with aclosing(client.tail(execution_id)) as items:
        async for item in items:
            if isinstance(item, TailBatch):
                created = item.events[0].execution_created
                return created.engine or "embedded", created.engine_page
    return "", ""


def _print_head(kind: Kind, resource: Any, engine: str, page: str) -> None:
    metadata, audit = resource.metadata, resource.status.audit.spec_audit
    facts = [
        ("Name", metadata.name),
        ("Slug", metadata.slug if metadata.slug != metadata.name else ""),
        ("Kind", kind.name),
        ("Id", metadata.id),
        ("Labels", ", ".join(f"{name}={value}" for name, value in sorted(metadata.labels.items()))),
        ("Tags", ", ".join(metadata.tags)),
        ("Version", metadata.version.id),
        ("Created", _when(audit.created_at.seconds, audit.created_by.id)),
        (
            "Changed",
            _when(audit.updated_at.seconds, audit.updated_by.id) if audit.updated_at != audit.created_at else "",
        ),
        ("Phase", phase_words(resource.status.phase) if hasattr(resource.status, "phase") else ""),
        ("Damage", damage_of(resource)),
        ("Engine", engine),
        ("Its page", page),
        ("Sandbox", sandbox_of(resource.spec)),
        ("Error", getattr(resource.status, "error", "")),
    ]
    for name, value in facts:
        if value:
            click.echo(f"{name + ':':<9} {safe(str(value))}")


def _when(seconds: int, who: str) -> str:
    return f"{moment(seconds * 1_000_000)} ({age(seconds * 1_000_000)} ago) by {who}" if seconds else ""


def _section(title: str, text: str) -> None:
    click.echo(f"\n{title}")
    for line in safe(text, lines=True).splitlines():
        click.echo(f"  {line}".rstrip())


async def _print_dependants(client: Client, kind: Kind, resource: Any) -> None:
    """What would go with it, and what holds it."""
    try:
        told = await client.resources.delete(number(kind), resource.metadata.id, dry_run=True)
    except FailedPrecondition as error:
        click.echo(f"\nNote: {safe(error.message)}")
        return
    if not told.along and not told.holding:
        return
    click.echo("\nDependants")
    for each in (*told.along, *told.holding):
        found = BY_NUMBER.get(each.kind)
        click.echo(f"  {found.word if found else each.kind}/{safe(each.name or each.id)}")


async def _print_executions(client: Client, kind: Kind, resource: Any) -> None:
    """The newest executions of an agent or a session."""
    if kind is AGENT:
        wanted = ExecutionFilter(agent=resource.metadata.id)
    elif kind is SESSION:
        wanted = ExecutionFilter(session_id=resource.metadata.id)
    else:
        return
    page = await client.list_executions(wanted, page_size=RECENT)
    if not page.executions:
        return
    click.echo("\nRecent executions")
    rows = [
        [f"  {row.execution_id}", phase_words(row.phase), age(row.created_unix_micros), row.subject]
        for row in page.executions
    ]
    print_table(["  ID", "PHASE", "AGE", "SUBJECT"], rows)
    if page.next_page_token:
        click.echo("  more: stigmer get executions")
