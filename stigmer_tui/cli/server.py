"""`stigmer server`: the daemon."""

import asyncio
import json
import sys
import time
from pathlib import Path

import click
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.stigmer.server.v1 import server_pb2
from stigmer_apis.client import Client
from stigmer_apis.client.launch import daemon_command, ensure_daemon
from stigmer_apis.client.upkeep import known_disk_usage
from stigmer_apis.errors import Unavailable
from stigmer_apis.home import Home
from stigmer_tui.cli.connect import run_async, with_client
from stigmer_tui.cli.disk_use import print_disk_line
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.log_lines import LogView, last_lines, lines_after
from stigmer_tui.text import safe

STOP_SECONDS = 15.0
COMPONENTS = ("server", "runner")
FOLLOW_SECONDS = 0.2
SILENT_SECONDS = 6.0
"""A daemon on a shared database that says nothing for longer is told of as silent."""


@click.group("server")
def command() -> None:
    """Start, stop and look at the daemon. Whoever needs it starts it; there is rarely a reason to do it by hand.

    \b
    Example:
      stigmer server status
    """


@command.command("start")
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="",
    help="Answer there too, with TLS, to clients that have an API key. To have it always: stigmer config set server.listen HOST:PORT.",
)
@click.option(
    "--engine",
    type=click.Choice(["embedded", "temporal"]),
    help="What drives runs that begin: the runner itself, or a Temporal cluster. To have it always: stigmer config set backend.local.execution.engine temporal.",
)
@click.option(
    "--temporal",
    metavar="HOST:PORT|managed",
    default="",
    help="Where Temporal answers (default: the setting backend.local.temporal.address); `managed`: the daemon keeps a development server.",
)
def start(listen: str, engine: str | None, temporal: str) -> int:
    """Start the daemon, or say that it runs already.

    \b
    Examples:
      stigmer server start
      stigmer server start --listen 127.0.0.1:7443
      stigmer server start --engine temporal --temporal managed
    """
    if engine == "embedded" and temporal:
        raise click.UsageError("--temporal has no meaning with --engine embedded: leave one of them out")

    async def work() -> int:
        home = Home.from_environment()
        before = await _pid_of(home)
        options = {"--listen": listen, "--engine": engine, "--temporal": temporal}
        given = [word for name, value in options.items() if value for word in (name, value)]
        info = await ensure_daemon(home, command=(*daemon_command(home), *given))
        click.echo(f"the daemon runs: pid {info.pid}, version {info.version}, {safe(info.home)}")
        if given and before == info.pid:
            names = " and ".join(name for name, value in options.items() if value)
            click.echo(f"it ran before, so {names} changed nothing: stigmer server stop, then start it again", err=True)
            return ExitCode.STATE
        if listen:
            click.echo(f"it listens on {safe(listen)}; stigmer apikey create NAME makes a key for a client")
        return ExitCode.OK

    return run_async(work)


@command.command("stop")
@click.option(
    "--keep-runners", is_flag=True, help="Leave runners and what they run alone; the next daemon takes them over."
)
def stop(keep_runners: bool) -> int:
    """Stop the daemon. What runs is cancelled and says so, unless runners are kept.

    \b
    Example:
      stigmer server stop
    """
    return run_async(lambda: stop_daemon(keep_runners=keep_runners))


@command.command("restart")
def restart() -> int:
    """Stop the daemon and start it again. What runs goes on.

    \b
    Example:
      stigmer server restart
    """

    async def work() -> int:
        await stop_daemon(keep_runners=True)
        info = await ensure_daemon(Home.from_environment())
        click.echo(f"the daemon runs: pid {info.pid}, version {info.version}")
        return ExitCode.OK

    return run_async(work)


async def _pid_of(home: Home) -> int:
    """The daemon's process where one answers; else 0."""
    try:
        async with Client(home, start_daemon=False) as client:
            return client.server_info.pid
    except Unavailable:
        return 0


async def stop_daemon(*, keep_runners: bool) -> int:
    """Ask the daemon to stop and wait until its process is gone."""
    try:
        async with Client(Home.from_environment(), start_daemon=False) as client:
            pid = (await client.shutdown(keep_runners)).pid
    except Unavailable:
        click.echo("no daemon runs")
        return ExitCode.OK
    deadline = time.monotonic() + STOP_SECONDS
    while process_exists(pid):
        if time.monotonic() > deadline:
            click.echo(
                f"the daemon (pid {pid}) has not stopped within {STOP_SECONDS:.0f} seconds; its log says why: stigmer server logs",
                err=True,
            )
            return ExitCode.UNAVAILABLE
        await asyncio.sleep(0.02)
    click.echo(f"stopped (pid {pid})")
    return ExitCode.OK


def process_exists(pid: int) -> bool:
    """Whether a process of this number is there and is not a zombie."""
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(as_json: bool) -> int:
    """Show pids, uptime, sockets, memory and health of each part, as each reports it. Starts nothing.

    \b
    Example:
      stigmer server status --json
    """

    async def work(client: Client) -> int:
        answer, used = await client.get_status(), await known_disk_usage(client)
        if as_json:
            told = MessageToDict(answer, always_print_fields_with_no_presence=True)
            told["disk"] = {use.kind: use.bytes for use in used.kinds} if used is not None else {}
            click.echo(json.dumps(told, indent=2))
        else:
            print_status(answer)
            if used is not None:
                print_disk_line(used)
        return ExitCode.OK

    return with_client(work, start_daemon=False)


def print_status(answer: server_pb2.GetStatusResponse) -> None:
    """The daemon, the store and each runner, a line or two each."""
    click.echo(
        f"daemon   pid {answer.pid}, version {answer.version}, up {duration(answer.uptime_seconds)}, {megabytes(answer.memory_bytes)}"
    )
    click.echo(f"home     {safe(answer.home)}")
    for socket in answer.sockets:
        click.echo(f"socket   {safe(socket)}")
    print_daemons(answer)
    health = "healthy" if answer.store.healthy else "NOT healthy"
    click.echo(
        f"store    {health}, {megabytes(answer.store.disk_bytes)} on disk, {answer.executions} executions, {answer.live_executions} live"
    )
    if answer.store.detail:
        click.echo(f"         {safe(answer.store.detail)}")
    if answer.HasField("engine"):
        click.echo(f"engine   {safe(answer.engine.detail)}{'' if answer.engine.healthy else ' (NOT there)'}")
    if answer.HasField("telemetry"):
        click.echo(f"told     {safe(answer.telemetry.detail)}{'' if answer.telemetry.healthy else ' (NOT working)'}")
    if not answer.runners:
        click.echo("runner   none yet")
    for runner in answer.runners:
        connected = "connected" if runner.connected else "NOT connected"
        click.echo(
            f"runner   pid {runner.pid}, {connected}, up {duration(runner.uptime_seconds)}, {megabytes(runner.memory_bytes)}, runs {runner.running}"
        )
        click.echo(f"         sandbox: {safe(runner.sandbox)}{'' if runner.walls else ' (no walls)'}")
        if runner.host:
            click.echo(f"         on {safe(runner.host)}, labels {safe(', '.join(runner.labels))}")
        if runner.draining:
            click.echo("         leaves once what it runs has ended")
        if runner.detail:
            click.echo(f"         {safe(runner.detail)}")


def print_daemons(answer: server_pb2.GetStatusResponse) -> None:
    """Those that share a database, a line each; nothing where there is only this one."""
    if len(answer.daemons) < 2:
        return
    for number, daemon in enumerate(answer.daemons):
        does = "leads" if daemon.leads else "passes on what it is asked"
        if daemon.silent_seconds > SILENT_SECONDS:
            does = f"has said nothing for {duration(daemon.silent_seconds)}"
        where = f", at {safe(daemon.address)}" if daemon.address else ""
        this = " (this one)" if daemon.itself else ""
        click.echo(f"{'' if number else 'daemons':8} pid {daemon.pid} on {safe(daemon.host)} {does}{where}{this}")
    if not any(daemon.leads for daemon in answer.daemons):
        click.echo("         none leads now: one of them takes over in a moment")


def duration(seconds: float) -> str:
    """Such as `2h 5m` or `12s`."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h {whole % 3600 // 60}m"
    return f"{whole // 60}m {whole % 60}s" if whole >= 60 else f"{whole}s"


def megabytes(count: int) -> str:
    """Bytes as MB with one decimal."""
    return f"{count / 1_000_000:.1f} MB"


@command.command("logs")
@click.option("-f", "--follow", is_flag=True, help="Stay, and show what comes.")
@click.option("--component", type=click.Choice(COMPONENTS), default="server", help="Whose log.")
@click.option("-n", "--lines", type=click.IntRange(min=0), default=200, help="So many of the last lines.")
@click.option("--execution", default="", metavar="ID", help="Only lines about this execution.")
@click.option("--raw", is_flag=True, help="Lines as they are in the file, JSON as JSON.")
def logs(follow: bool, component: str, lines: int, execution: str, raw: bool) -> int:
    """Show the log of the daemon or of the runner. JSON lines are shown as text is.

    \b
    Examples:
      stigmer server logs -n 20
      stigmer server logs -f --component runner
    """
    view = LogView(execution=execution, raw=raw)
    path = Home.from_environment().logs / f"{component}.log"
    if not path.exists():
        click.echo(f"there is no log yet: {path}", err=True)
        return ExitCode.NOT_FOUND
    return run_async(lambda: show_log(path, lines, view, follow=follow))


async def show_log(path: Path, lines: int, view: LogView, *, follow: bool) -> int:
    """The last `lines` of a log, those set aside before it included, then what comes."""
    last, place = last_lines(path, lines, view)
    for line in last:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    while follow:
        await asyncio.sleep(FOLLOW_SECONDS)
        fresh, place = lines_after(path, place, view)
        for line in fresh:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return ExitCode.OK
