"""`stigmer apply`: make what is described so, all of it or none."""

from collections.abc import Sequence
from typing import Any

import click

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ApplyResourcesResponse, Resource
from stigmer_apis.client import Client
from stigmer_apis.documents.problems import ManifestError
from stigmer_apis.errors import StigmerError
from stigmer_tui.cli.colours import print_diff
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.keeping import keep_stored_secrets
from stigmer_tui.cli.naming import LabelType
from stigmer_tui.cli.printing import Form, Output, OutputForm, print_data
from stigmer_tui.cli.sources import complain_of, read_files
from stigmer_tui.manifests.differences import difference
from stigmer_tui.manifests.kinds import BY_FIELD, DESCRIBED, Kind
from stigmer_tui.manifests.plain_secrets import plain_secrets
from stigmer_tui.manifests.reading import Document
from stigmer_tui.manifests.refused import refused
from stigmer_tui.text import safe


@click.command("apply")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    required=True,
    type=click.Path(allow_dash=True),
    help="File, directory (its .yaml, .yml and .json files), or - for standard input; may be given again.",
)
@click.option("--dry-run", is_flag=True, help="Check and tell what would come of it; store nothing.")
@click.option("--diff", is_flag=True, help="Show what changes, line by line.")
@click.option("--prune", is_flag=True, help="Delete what has the label of -l, of any kind, and is not described.")
@click.option("-l", "--label", "labels", type=LabelType(), multiple=True, help="With --prune; may be given again.")
@click.option("--force", is_flag=True, help="With --prune: what others made on it goes with it.")
@click.option(
    "-o", "--output", type=OutputForm(Form.TABLE, Form.JSON, Form.NAME), default="table", help="How to print it."
)
def command(
    files: tuple[str, ...],
    dry_run: bool,
    diff: bool,
    prune: bool,
    labels: tuple[tuple[str, str], ...],
    force: bool,
    output: Output,
) -> int:
    """Create and update what files describe, all of it or none.

    Documents are YAML or JSON, several in a file, in any order. What is wrong is said with file, line and column before anything is stored. The same
    thing twice is `unchanged`.

    \b
    Examples:
      stigmer apply -f examples/support
      stigmer apply -f examples/support --dry-run --diff
      stigmer apply -f examples/support --prune -l app=support
    """
    if prune and not labels:
        raise click.UsageError("--prune wants a label, -l NAME=VALUE, that says what may be deleted.")
    if (labels or force) and not prune:
        raise click.UsageError("-l and --force go with --prune.")
    try:
        documents = read_files(files).documents
    except ManifestError as error:
        return complain_of(error)

    for document in documents:
        for worth_a_word in plain_secrets(document):
            click.echo(f"stigmer: warning: {safe(str(worth_a_word))}", err=True)

    async def work(client: Client) -> int:
        await keep_stored_secrets(client, documents)
        try:
            done = await client.resources.apply(
                [document.resource for document in documents],
                dry_run=dry_run,
                prune_labels=dict(labels),
                prune_kinds=[ApiResourceKind.ValueType(kind.number) for kind in DESCRIBED] if prune else (),
                force=force,
            )
        except StigmerError as error:
            found = await refused(client, error, documents)
            if found is None:
                raise
            return complain_of(found, exit_code_of(error))
        report(done, documents, output, diff=diff, dry_run=dry_run)
        return ExitCode.OK

    return with_client(work)


def report(
    done: ApplyResourcesResponse, documents: Sequence[Document], output: Output, *, diff: bool, dry_run: bool
) -> None:
    """Print what came of it."""
    outcomes = [
        (document.kind, _inside(applied.after), _inside(applied.before), _outcome(applied.outcome))
        for document, applied in zip(documents, done.applied, strict=True)
    ]
    outcomes += [(_kind(pruned), None, _inside(pruned), "pruned") for pruned in done.pruned]
    if diff and output.is_table:
        for kind, after, before, outcome in outcomes:
            if outcome != "unchanged":
                print_diff(difference(before, after, f"{kind.word}/{_slug(after or before)}"))
    rows: list[dict[str, Any]] = [
        {
            "kind": kind.name,
            "name": _slug(after or before),
            "id": (after or before).metadata.id,
            "outcome": outcome,
            **({"dryRun": True} if dry_run else {}),
        }
        for kind, after, before, outcome in outcomes
    ]
    if not output.is_table:
        print_data(output, rows, [f"{kind.word}/{_slug(after or before)}" for kind, after, before, _ in outcomes])
        return
    for kind, after, before, outcome in outcomes:
        would = " (not stored: --dry-run)" if dry_run and outcome != "unchanged" else ""
        click.echo(f"{kind.word}/{safe(_slug(after or before))} {outcome}{would}")


def _outcome(outcome: ApplyResourcesResponse.Outcome.ValueType) -> str:
    return ApplyResourcesResponse.Outcome.Name(outcome).removeprefix("OUTCOME_").lower()


def _inside(resource: Resource) -> Any:
    """The resource as its kind's own message; None where there is none."""
    field = resource.WhichOneof("resource")
    return None if field is None else getattr(resource, field)


def _kind(resource: Resource) -> Kind:
    return BY_FIELD[resource.WhichOneof("resource") or ""]


def _slug(message: Any) -> str:
    return message.metadata.slug
