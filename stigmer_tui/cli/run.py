"""`stigmer run`: start an execution, and follow it or leave it."""

import shutil
import sys
from datetime import timedelta
from pathlib import Path

import click

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Limits, Policy
from stigmer_apis.client import Client, client_environment
from stigmer_apis.errors import StigmerError
from stigmer_tui.cli.connect import complain, note, with_client
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.missing import Needs, named_values
from stigmer_tui.cli.naming import complete_agents
from stigmer_tui.cli.secret_input import secrets_of_run
from stigmer_tui.cli.stream import ExecutionStream, StreamOptions


@click.command("run")
@click.argument("agent", shell_complete=complete_agents)
@click.option(
    "-m", "--message", required=True, help="What to do; for `shell` a command line. `-` reads it from standard input."
)
@click.option(
    "-w",
    "--workspace",
    type=click.Path(path_type=Path),
    help="Directory to work in. Default: one of the session's own.",
)
@click.option("-s", "--session", "session_id", default="", help="Go on in this session.")
@click.option(
    "--follow/--detach",
    "-f/-d",
    default=True,
    help="Show the output until the run ends (the default), or print the id and leave.",
)
@click.option(
    "-e",
    "--env",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="A variable for this run's commands; may be given again. Never a secret: see --secret.",
)
@click.option(
    "--secret",
    "secret_names",
    metavar="NAME",
    multiple=True,
    help="A secret for this run's commands, from STIGMER_SECRET_NAME, standard input, or a masked prompt; may be given again.",
)
@click.option("--model", default="", help="Another model than the agent's, such as anthropic/claude-sonnet-4-5.")
@click.option(
    "--policy",
    "preset",
    type=click.Choice(["read-only", "ask", "auto"]),
    help="What it may do by itself, over what its agent says.",
)
@click.option("--max-turns", type=click.IntRange(min=1), help="Most calls of the model.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Most tokens, in and out.")
@click.option("--max-cost", type=click.FloatRange(min=0.000001), metavar="DOLLARS", help="Most that it may cost.")
@click.option("--max-time", type=click.FloatRange(min=0.1), metavar="SECONDS", help="The longest that it may take.")
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON with its sequence.")
@click.option("--raw", is_flag=True, help="Write the terminal's bytes exactly as they came.")
def command(
    agent: str,
    message: str,
    workspace: Path | None,
    session_id: str,
    follow: bool,
    variables: tuple[str, ...],
    secret_names: tuple[str, ...],
    model: str,
    preset: str | None,
    max_turns: int | None,
    max_tokens: int | None,
    max_cost: float | None,
    max_time: float | None,
    as_json: bool,
    raw: bool,
) -> int:
    """Run AGENT on a message. The name of an instance runs its agent with the instance's environments.

    The exit code is that of the last command; what Stigmer itself has to say is 64 and up. Ctrl+C leaves the run running.

    \b
    Examples:
      stigmer run shell --message 'echo $((6*7))' --follow
      stigmer run shell -m 'make test' -w . --detach
      stigmer run shell -m 'echo $STAGE' -e STAGE=test
    """
    text = sys.stdin.read() if message == "-" else message
    directory = None if workspace is None else str(workspace.expanduser().absolute())

    given = named_values(variables)
    try:
        secrets = secrets_of_run(secret_names, stdin_is_free=message != "-")
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)
    limits = _limits(max_turns, max_tokens, max_cost, max_time)
    needs = Needs(agent, given, secrets, model)
    size = shutil.get_terminal_size((80, 24))

    async def work(client: Client) -> int:
        if not await needs.are_met(client):
            return ExitCode.OK
        execution = await client.run(
            agent,
            text,
            workspace=directory,
            session_id=session_id or None,
            client_environment=client_environment(columns=size.columns, rows=size.lines),
            variables=needs.variables,
            secrets=needs.secrets,
            model=model,
            policy=None if preset is None else Policy(preset=preset),
            limits=limits,
        )
        execution_id = execution.metadata.id
        if not follow:
            click.echo(execution_id)
            return ExitCode.OK
        code = ExitCode.INTERRUPTED
        try:
            code = await ExecutionStream(client, execution_id, StreamOptions(as_json=as_json, raw=raw)).show()
        finally:
            if code is ExitCode.INTERRUPTED:
                note(
                    f"\nstigmer: the run goes on. Follow it again: stigmer logs -f {execution_id}   Stop it: stigmer cancel {execution_id}"
                )
        return code

    ended = with_client(work)
    if not needs.missing:
        return ended
    needs.ask()
    return with_client(work)


def _limits(turns: int | None, tokens: int | None, dollars: float | None, seconds: float | None) -> Limits | None:
    """How much a run may use; None where nothing is said."""
    if turns is None and tokens is None and dollars is None and seconds is None:
        return None
    limits = Limits(turns=turns or 0, tokens=tokens or 0, cost_micro_usd=round((dollars or 0) * 1e6))
    if seconds is not None:
        limits.time.FromTimedelta(timedelta(seconds=seconds))
    return limits
