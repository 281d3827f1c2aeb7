"""`stigmer run`: start an agent or a workflow, and follow it or leave it."""

import shutil
import sys
from datetime import timedelta
from pathlib import Path

import click

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Limits, Policy
from stigmer_apis.client import Client, client_environment
from stigmer_apis.documents.problems import ManifestError
from stigmer_apis.errors import StigmerError
from stigmer_tui.cli.connect import complain, note, with_client
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.missing import Needs, named_values
from stigmer_tui.cli.naming import complete_runnable
from stigmer_tui.cli.run_workflow import Given, Shown, is_document, is_workflow, read_document, show, start
from stigmer_tui.cli.secret_input import secrets_of_run
from stigmer_tui.cli.sources import complain_of
from stigmer_tui.cli.stream import ExecutionStream, StreamOptions
from stigmer_tui.cli.workflow_input import input_of

FILE = "file"
"""A workflow document."""


@click.command("run")
@click.argument("target", metavar="NAME|FILE", shell_complete=complete_runnable)
@click.option(
    "-m", "--message", help="For an agent: what to do; for `shell` a command line. `-` reads it from standard input."
)
@click.option(
    "-i",
    "--input",
    "source",
    metavar="FILE|-",
    help="For a workflow: a file of JSON that it starts with; `-` is standard input.",
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="For a workflow: a value in its input, as JSON or else text: order.id=7; may be given again.",
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
@click.option(
    "--sandbox",
    type=click.Choice(["walls", "container", "daytona", "none"]),
    help="What its commands run in: walls of this machine, a container, Daytona, or nothing. Default: as its agent and the settings say.",
)
@click.option("--max-turns", type=click.IntRange(min=1), help="Most calls of the model.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Most tokens, in and out.")
@click.option("--max-cost", type=click.FloatRange(min=0.000001), metavar="DOLLARS", help="Most that it may cost.")
@click.option("--max-time", type=click.FloatRange(min=0.1), metavar="SECONDS", help="The longest that it may take.")
@click.option("--runner", default="", metavar="LABEL", help="Where: a runner with this label, or this id.")
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON with its sequence.")
@click.option("--raw", is_flag=True, help="Write the terminal's bytes exactly as they came.")
def command(
    target: str,
    message: str | None,
    source: str | None,
    settings: tuple[str, ...],
    workspace: Path | None,
    session_id: str,
    follow: bool,
    variables: tuple[str, ...],
    secret_names: tuple[str, ...],
    model: str,
    preset: str | None,
    sandbox: str | None,
    max_turns: int | None,
    max_tokens: int | None,
    max_cost: float | None,
    max_time: float | None,
    runner: str,
    as_json: bool,
    raw: bool,
) -> int:
    """Run an agent on a message, or a workflow with an input.

    NAME is an agent, a workflow, or an instance of one, which brings its environments; agent/NAME and workflow/NAME say which where both
    exist. FILE is a workflow document, which runs without being stored; others behind it in the same file are there for it to run.

    Of an agent the exit code is that of the last command; what Stigmer itself has to say is 64 and up. What a workflow gives is printed as
    JSON; how it goes is told on standard error. Ctrl+C leaves the run running.

    \b
    Examples:
      stigmer run shell --message 'echo $((6*7))' --follow
      stigmer run shell -m 'make test' -w . --detach
      stigmer run shell -m 'echo $STAGE' -e STAGE=test
      stigmer run assistant -m 'Try it out.' --sandbox container
      stigmer run examples/workflows/race.yaml
      stigmer run workflow/orders --set shop=7 --detach
    """
    kind, name = _kind_of(target, message, source, settings)
    directory = None if workspace is None else str(workspace.expanduser().absolute())
    given = named_values(variables)
    policy = Policy(preset=preset or "", sandbox=sandbox or "") if preset or sandbox else None
    try:
        document = read_document(target) if kind == FILE else ""
        value = input_of(source, settings)
        secrets = secrets_of_run(secret_names, stdin_is_free="-" not in (message, source, target))
    except ManifestError as error:
        return complain_of(error, left="run")
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)

    async def workflow(client: Client) -> int:
        if runner:
            raise click.UsageError("--runner is for agents: a workflow runs on a runner of the server's machine.")
        _refuse_of_workflow(session_id, model, max_turns or max_tokens or max_cost or max_time, raw)
        started = await start(client, name, document, Given(value, directory or "", given, secrets, policy))
        return await show(client, started, Shown(follow, as_json))

    if kind in (FILE, "workflow"):
        return with_client(workflow)
    if kind == "either":

        async def find_out(client: Client) -> int:
            if await is_workflow(client, name):
                return await workflow(client)
            raise click.UsageError(f"{name} is an agent: say with --message what it is to do.")

        return with_client(find_out)
    agent, text = name, sys.stdin.read() if message == "-" else message or ""
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
            policy=policy,
            limits=limits,
            labels={"runner": runner} if runner else None,
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


def _kind_of(target: str, message: str | None, source: str | None, settings: tuple[str, ...]) -> tuple[str, str]:
    """`agent`, `workflow`, `file`, or `either` where that has to be asked, and the name without its kind."""
    kind, slash, name = target.partition("/")
    is_input = source is not None or bool(settings)
    if message is not None and is_input:
        raise click.UsageError("an agent takes a --message, a workflow an --input: give one of the two.")
    if slash and kind in ("agent", "workflow") and name:
        if kind == "agent" and message is None:
            raise click.UsageError(f"{name} is an agent: say with --message what it is to do.")
        if kind == "workflow" and message is not None:
            raise click.UsageError(f"{name} is a workflow: it takes --input and --set, and no --message.")
        return kind, name
    if message is not None:
        return "agent", target
    if is_document(target):
        if target == source == "-":
            raise click.UsageError("standard input can be the document or the input: give one of them as a file.")
        return FILE, target
    return ("workflow" if is_input else "either"), target


def _refuse_of_workflow(session_id: str, model: str, limits: float | None, raw: bool) -> None:
    """What only agents have."""
    for given, name in ((session_id, "--session"), (model, "--model"), (limits, "a limit"), (raw, "--raw")):
        if given:
            raise click.UsageError(f"{name} is for agents: a workflow says such things in its document.")


def _limits(turns: int | None, tokens: int | None, dollars: float | None, seconds: float | None) -> Limits | None:
    """How much a run may use; None where nothing is said."""
    if turns is None and tokens is None and dollars is None and seconds is None:
        return None
    limits = Limits(turns=turns or 0, tokens=tokens or 0, cost_micro_usd=round((dollars or 0) * 1e6))
    if seconds is not None:
        limits.time.FromTimedelta(timedelta(seconds=seconds))
    return limits
