"""`stigmer cancel`: stop a run."""

import click

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis.client import Client
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions

WAIT_SECONDS = 15.0


@click.command("cancel")
@click.argument("execution_id", metavar="ID", shell_complete=complete_executions)
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--no-wait", is_flag=True, help="Ask for it and leave; do not wait until it has stopped.")
def command(execution_id: str, reason: str, no_wait: bool) -> int:
    """Stop the run ID and every process that it started.

    \b
    Example:
      stigmer cancel aex-01jd... --reason 'wrong branch'
    """

    async def work(client: Client) -> int:
        answer = await client.cancel(execution_id, reason, None if no_wait else WAIT_SECONDS)
        phase = enums.ExecutionPhase.Name(answer.phase).removeprefix("EXECUTION_").lower()
        if answer.already_ended:
            click.echo(f"{execution_id} had ended already: {phase}")
        elif answer.phase == enums.ExecutionPhase.EXECUTION_CANCELLED:
            click.echo(f"{execution_id} stopped")
        else:
            click.echo(f"{execution_id} is asked to stop; it is {phase.replace('_', ' ')} still")
        return ExitCode.OK

    return with_client(work)
