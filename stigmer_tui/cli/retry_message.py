"""`stigmer retry ID --message N`: a person's message of an agent's run once more, in its session."""

import click

from stigmer_apis.client import Client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.stream import ExecutionStream, StreamOptions
from stigmer_tui.text import Untrusted, safe


async def retry_message(
    client: Client, execution_id: str, message: str, *, keep_files: bool, follow: bool, as_json: bool
) -> int:
    """Ask it again, and say which files are as they were before it. Raises as `Steering.retry_message`."""
    made = await client.steering.retry_message(execution_id, message, keep_files=keep_files)
    for path in made.paths:
        click.echo(f"stigmer: {safe(Untrusted(path))} is as before", err=True)
    for path in made.left:
        click.echo(f"stigmer: {safe(Untrusted(path))} is left alone: somebody else changed it since", err=True)
    if not follow:
        click.echo(made.execution_id)
        return ExitCode.OK
    return await ExecutionStream(client, made.execution_id, StreamOptions(as_json=as_json)).show()
