"""`stigmer delete`: one resource, with what goes along."""

import sys
from collections.abc import Sequence

import click

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import DeleteResourceResponse
from stigmer_apis.client import Client
from stigmer_apis.client.running_below import Running, end_running, running_below
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_apis.protocol import DAMAGE_ANNOTATION
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import KindName, complete_names
from stigmer_tui.cli.resources import not_there, number
from stigmer_tui.manifests.kinds import AGENT_EXECUTION, BY_NUMBER, WORKFLOW_EXECUTION, Kind
from stigmer_tui.text import safe

_RUNS = (AGENT_EXECUTION, WORKFLOW_EXECUTION)
_NAMED = 10


@click.command("delete")
@click.argument("kind", type=KindName())
@click.argument("name", shell_complete=complete_names)
@click.option("--force", is_flag=True, help="What others made on it goes with it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Tell what would go, and what holds it; delete nothing.")
def command(kind: Kind, name: str, force: bool, yes: bool, dry_run: bool) -> int:
    """Delete the resource of a KIND called NAME, by name or id.

    What was made with it or belongs to it goes along, and runs among that which have not ended are ended first, with all that they started; they are
    named before. What others made on it holds it, unless --force. In a terminal it asks first.

    \b
    Examples:
      stigmer delete environment support --dry-run
      stigmer delete environment support --yes
    """
    return delete_one(kind, name, force=force, yes=yes, dry_run=dry_run)


def delete_one(kind: Kind, name: str, *, force: bool, yes: bool, dry_run: bool) -> int:
    """Delete it, after asking where a person is there to answer."""
    agreed = yes
    if not dry_run and not yes and sys.stdin.isatty() and sys.stdout.isatty():
        code = with_client(lambda client: _tell(client, kind, name, force=force, check=True))
        if code is not ExitCode.OK:
            return code
        if not click.confirm("Delete?", default=False):
            click.echo("nothing was deleted")
            return ExitCode.OK
        agreed = True
    if dry_run:
        return with_client(lambda client: _tell(client, kind, name, force=force, check=False))
    return with_client(lambda client: _delete(client, kind, name, force=force, agreed=agreed))


async def _tell(client: Client, kind: Kind, name: str, *, force: bool, check: bool) -> int:
    """Print what would go; with `check` raise where something holds it."""
    running = await _running(client, kind, name)
    if kind in _RUNS and running:  # nothing more can be said of it before its end
        click.echo(f"{kind.word}/{safe(name)} would be deleted")
    else:
        told = await _ask(client, kind, name, force=force, dry_run=True)
        if check:
            _check_held(kind, name, told, force, running)
        _print(kind, told, would=True)
    for each in running:
        click.echo(f"  ends {_named(each)}, and all that it started")
    return ExitCode.OK


async def _delete(client: Client, kind: Kind, name: str, *, force: bool, agreed: bool) -> int:
    """Delete it, and print what went. What runs is ended first, where that was `agreed` to."""
    running = await _running(client, kind, name)
    if running and not agreed:
        raise FailedPrecondition(
            f"{', '.join(_named(each) for each in running[:_NAMED])} {'has' if len(running) == 1 else 'have'} not ended",
            remedy="with --yes it is ended first, and all that it started",
        )
    if not (kind in _RUNS and running):
        _check_held(kind, name, await _ask(client, kind, name, force=force, dry_run=True), force, running)
    await end_running(client, running)
    for each in running:
        click.echo(f"ended {_named(each)}")
    _print(kind, await _ask(client, kind, name, force=force, dry_run=False), would=False)
    return ExitCode.OK


async def _running(client: Client, kind: Kind, name: str) -> list[Running]:
    """What of it has not ended."""
    try:
        return await running_below(client, number(kind), name)
    except NotFound as error:
        raise not_there(kind, name, error) from error


def _named(running: Running) -> str:
    """A run that has not ended, and what it does."""
    doing = safe(running.doing)
    return f"{running.execution_id} ({doing})" if doing else running.execution_id


async def _ask(client: Client, kind: Kind, name: str, *, force: bool, dry_run: bool) -> DeleteResourceResponse:
    try:
        return await client.resources.delete(number(kind), name, force=force, dry_run=dry_run)
    except NotFound as error:
        raise not_there(kind, name, error) from error


def _check_held(kind: Kind, name: str, told: DeleteResourceResponse, force: bool, ending: Sequence[Running]) -> None:
    """Raise `FailedPrecondition` where something keeps it; what is ended first keeps nothing by that."""
    ended = {each.execution_id for each in ending}
    keeping = [each for each in told.holding if (each.reason and each.id not in ended) or not force]
    if not keeping:
        return
    named = ", ".join(f"{_word(each.kind)}/{each.name or each.id}" for each in keeping[:10])
    more = f" and {len(keeping) - 10} more" if len(keeping) > 10 else ""
    reasons = "; ".join(dict.fromkeys(each.reason for each in keeping if each.reason))
    if reasons:
        remedy = "delete these first"
    elif all(each.stays for each in keeping):
        remedy = "change these first, or let them name what is gone: --force"
    else:
        remedy = "delete these first, or let them go with it: --force"
    raise FailedPrecondition(
        f"the {kind.words} {name!r} is held by {named}{more}{f': {reasons}' if reasons else ''}", remedy=remedy
    )


def _print(kind: Kind, told: DeleteResourceResponse, *, would: bool) -> None:
    field = told.deleted.WhichOneof("resource")
    metadata = getattr(told.deleted, field).metadata if field else ApiResourceMetadata()
    click.echo(f"{kind.word}/{safe(metadata.slug)} {'would be deleted' if would else 'deleted'}")
    if not would and DAMAGE_ANNOTATION in metadata.annotations:
        click.echo("  it was damaged; `stigmer pack` leaves the damaged bytes behind")
    for each in told.along:
        click.echo(f"  with {_word(each.kind)}/{safe(each.name or each.id)}")
    for each in told.holding:
        held = f"{_word(each.kind)}/{safe(each.name or each.id)}"
        if would:
            click.echo(f"  held by {held}{f': {safe(each.reason)}' if each.reason else ''}")
        else:
            click.echo(f"  {held} stays, and names what is gone" if each.stays else f"  with {held}")


def _word(number: int) -> str:
    found = BY_NUMBER.get(number)
    return found.word if found is not None else str(number)
