"""`stigmer session`: sessions, by the noun."""

import json

import click
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import SessionApproval
from stigmer_apis.client import Client
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.history import moment
from stigmer_tui.cli.naming import completer
from stigmer_tui.cli.nouns import delete_command, get_command, list_command
from stigmer_tui.cli.tables import print_table
from stigmer_tui.manifests.kinds import SESSION
from stigmer_tui.text import safe


@click.group("session")
def command() -> None:
    """List, show and delete sessions, and see what is approved for all of one. A run starts one, or goes on in one: `stigmer run AGENT --session ID`.

    \b
    Example:
      stigmer session list
    """


@command.command("approvals")
@click.argument("session_id", metavar="SESSION", shell_complete=completer(SESSION))
@click.option("--revoke", metavar="APPROVAL", help="Take this one back, or `all`.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def approvals(session_id: str, revoke: str | None, as_json: bool) -> int:
    """Show what you approved for all of SESSION (`stigmer approve ID CALL --scope session|prefix`), or take it back.

    It holds for each later run in the session, unless a rule of its policy denies it. A run that works now keeps what it began with.

    \b
    Examples:
      stigmer session approvals ses-01jd...
      stigmer session approvals ses-01jd... --revoke all
    """

    async def work(client: Client) -> int:
        if revoke is None:
            found = await client.steering.session_approvals(session_id)
        else:
            found = await client.steering.revoke_session_approval(session_id, "" if revoke == "all" else revoke)
        if as_json:
            click.echo(json.dumps([MessageToDict(each) for each in found], indent=2))
        elif not found:
            click.echo("Nothing is approved for this session.")
        elif revoke is None:
            rows = [[each.id, moment(each.unix_micros), each.tool, _what(each)] for each in found]
            print_table(["ID", "WHEN", "TOOL", "APPROVED"], rows)
        else:
            for each in found:
                click.echo(f"{safe(each.id)} is taken back: {safe(_what(each))}")
        return ExitCode.OK

    return with_client(work)


def _what(approval: SessionApproval) -> str:
    """What it lets through, on one line."""
    if approval.prefix:
        return f"commands that begin with `{' '.join(approval.prefix)}`"
    first, _, rest = approval.summary.partition("\n")
    return f"{first} …" if rest else first


command.add_command(list_command(SESSION))
command.add_command(get_command(SESSION, "ses-01jd..."))
command.add_command(delete_command(SESSION, "ses-01jd..."))
