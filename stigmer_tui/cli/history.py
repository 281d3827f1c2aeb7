"""`stigmer history`: what a resource was, and making it so again."""

from datetime import UTC, datetime

import click
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ListVersionsResponse
from stigmer_apis.client import Client
from stigmer_apis.errors import NotFound
from stigmer_tui.cli.colours import print_diff
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import KindName, complete_names
from stigmer_tui.cli.printing import Form, Output, OutputForm, print_data
from stigmer_tui.cli.resources import not_there, number
from stigmer_tui.cli.tables import print_table
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.text import safe

Version = ListVersionsResponse.Version
PAGE = 1000


@click.command("history")
@click.argument("kind", type=KindName())
@click.argument("name", shell_complete=complete_names)
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("--diff", is_flag=True, help="Show what each version changed.")
@click.option("--restore", metavar="VERSION", help="Make this version the newest again.")
@click.option(
    "-o",
    "--output",
    type=OutputForm(Form.TABLE, Form.JSON, Form.YAML, Form.JSONPATH),
    default="table",
    help="How to print it.",
)
def command(kind: Kind, name: str, limit: int, diff: bool, restore: str | None, output: Output) -> int:
    """Show the versions of the resource of a KIND called NAME, newest first, or restore one.

    \b
    Examples:
      stigmer history environment support
      stigmer history environment support --diff
      stigmer history environment support --restore 1
    """

    async def work(client: Client) -> int:
        try:
            if restore is not None:
                restored = await client.resources.restore(number(kind), name, restore)
                metadata = getattr(restored, kind.field).metadata
                click.echo(
                    f"{kind.word}/{safe(metadata.slug)} is as in version {safe(restore)} again (version {safe(metadata.version.id)})"
                )
                return ExitCode.OK
            found, more = await versions_of(client, kind, name, limit)
        except NotFound as error:
            if restore is not None and "version" in error.message:
                raise
            raise not_there(kind, name, error) from error
        if not output.is_table:
            print_data(output, [MessageToDict(version) for version in found], [])
        elif diff:
            _print_changes(kind, found, more)
        else:
            print_versions(found)
        if more:
            note(f"stigmer: there are more; the newest {len(found)} are shown (--limit)")
        return ExitCode.OK

    return with_client(work)


async def versions_of(client: Client, kind: Kind, name: str, limit: int) -> tuple[list[Version], bool]:
    """The newest versions, and whether there are more. Raises `NotFound`."""
    found: list[Version] = []
    token, more = "", True
    while more and len(found) < limit:
        page = await client.resources.versions(
            number(kind), name, page_size=min(PAGE, limit - len(found)), page_token=token
        )
        found.extend(page.versions)
        token, more = page.next_page_token, bool(page.next_page_token)
    return found, more


def print_versions(found: list[Version], indent: str = "") -> None:
    """Versions as a table."""
    rows = [
        [indent + each.version_id, moment(each.time_unix_micros), each.author, each.event, each.message]
        for each in found
    ]
    print_table([f"{indent}VERSION", "WHEN", "WHO", "EVENT", "MESSAGE"], rows)


def moment(unix_micros: int) -> str:
    """A moment in local time, to the second."""
    return datetime.fromtimestamp(unix_micros / 1_000_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _print_changes(kind: Kind, found: list[Version], more: bool) -> None:
    from stigmer_tui.manifests.differences import difference

    for position, version in enumerate(found):
        click.echo(
            f"version {safe(version.version_id)}, {moment(version.time_unix_micros)}, {safe(version.author)}: {safe(version.event)}"
        )
        is_last = position + 1 == len(found)
        if is_last and more:
            continue
        before = None if is_last else getattr(found[position + 1].resource, kind.field)
        after = getattr(version.resource, kind.field)
        print_diff(difference(before, after, f"{kind.word}/{after.metadata.slug}"))
