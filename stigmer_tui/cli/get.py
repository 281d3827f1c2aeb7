"""`stigmer get`: lists."""

import time
from collections.abc import Awaitable, Callable

import click

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.execution.v1 import execution_service_pb2, summary_pb2
from stigmer_apis.client import Client
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.tables import print_json, print_table

PHASES = {
    name.removeprefix("EXECUTION_").lower().replace("_", "-"): number
    for name, number in enums.ExecutionPhase.items()
    if number
}
PAGE = 1000


@click.command("get")
@click.argument("kind", type=click.Choice(["executions", "agents", "sessions"]))
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, help="At most so many, newest first.")
@click.option(
    "--phase",
    type=click.Choice(list(PHASES)),
    multiple=True,
    help="Executions: only in this phase; may be given again.",
)
@click.option("--text", default="", help="Executions: only with this text in subject, last line, agent, id or error.")
def command(kind: str, output: str, limit: int, phase: tuple[str, ...], text: str) -> int:
    """List executions, agents or sessions, newest first.

    \b
    Examples:
      stigmer get executions --phase failed
      stigmer get agents -o json
    """
    as_json = output == "json"

    async def work(client: Client) -> int:
        listing: dict[str, Callable[[], Awaitable[None]]] = {
            "executions": lambda: list_executions(client, limit, as_json, [PHASES[name] for name in phase], text),
            "agents": lambda: list_agents(client, limit, as_json),
            "sessions": lambda: list_sessions(client, limit, as_json),
        }
        await listing[kind]()
        return ExitCode.OK

    return with_client(work)


async def list_executions(client: Client, limit: int, as_json: bool, phases: list[int], text: str) -> None:
    """Print up to `limit` executions."""
    asked = execution_service_pb2.ExecutionFilter(text=text)
    asked.phases.extend(enums.ExecutionPhase.ValueType(number) for number in phases)
    found: list[summary_pb2.ExecutionSummary] = []
    token, more = "", True
    while more and len(found) < limit:
        page = await client.list_executions(asked, page_size=min(PAGE, limit - len(found)), page_token=token)
        found.extend(page.executions)
        token, more = page.next_page_token, bool(page.next_page_token)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            row.execution_id,
            phase_name(row.phase),
            row.agent_name,
            age(row.created_unix_micros),
            exit_code(row),
            row.subject,
        ]
        for row in found
    ]
    print_table(["ID", "PHASE", "AGENT", "AGE", "EXIT", "SUBJECT"], rows)
    if more:
        note(f"stigmer: there are more; the newest {len(found)} are shown (--limit)")


async def list_agents(client: Client, limit: int, as_json: bool) -> None:
    """Print up to `limit` agents."""
    agents = list((await client.list_agents(page_size=min(limit, PAGE))).agents)
    if as_json:
        print_json(agents)
        return
    rows = [[agent.metadata.slug, agent.metadata.id, agent.spec.model, agent.spec.description] for agent in agents]
    print_table(["NAME", "ID", "MODEL", "DESCRIPTION"], rows)


async def list_sessions(client: Client, limit: int, as_json: bool) -> None:
    """Print up to `limit` sessions."""
    sessions = list((await client.list_sessions(page_size=min(limit, PAGE))).entries)
    if as_json:
        print_json(sessions)
        return
    print_table(
        ["ID", "INSTANCE", "SUBJECT"],
        [[found.metadata.id, found.spec.agent_instance_id, found.spec.subject] for found in sessions],
    )


def phase_name(phase: int) -> str:
    """`in progress` for EXECUTION_IN_PROGRESS."""
    return (
        enums.ExecutionPhase.Name(enums.ExecutionPhase.ValueType(phase))
        .removeprefix("EXECUTION_")
        .lower()
        .replace("_", " ")
    )


def exit_code(row: summary_pb2.ExecutionSummary) -> str:
    """The last command's exit code, or a dash."""
    return str(row.last_exit_code) if row.HasField("last_exit_code") else "-"


def age(unix_micros: int) -> str:
    """How long ago, in the largest unit that fits: 12s, 5m, 3h, 9d."""
    seconds = max(0, int(time.time() - unix_micros / 1_000_000))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
