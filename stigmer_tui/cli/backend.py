"""`stigmer backend`: who keeps everything, and who answers."""

import click

from stigmer_apis.client import Client
from stigmer_apis.config import BackendType, missing_for_cloud
from stigmer_apis.config.changing import set_value, setting_named
from stigmer_apis.errors import Unavailable
from stigmer_apis.home import Home
from stigmer_tui.cli.config import configuration, said, say
from stigmer_tui.cli.connect import run_async
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.text import safe

KEY = "backend.type"


@click.group("backend")
def command() -> None:
    """Look at the backend, and choose it: local, the daemon on this machine. Remote ones come later.

    \b
    Example:
      stigmer backend status
    """


@command.command("status")
def status() -> int:
    """Show which backend is chosen, and what answers. Starts nothing; ends with 69 where nobody answers.

    \b
    Example:
      stigmer backend status
    """

    async def work() -> int:
        loaded = configuration()
        chosen = loaded.values[KEY]
        click.echo(f"backend  {loaded.settings.backend.type.value} ({safe(str(chosen.origin))})")
        if loaded.settings.backend.type is BackendType.CLOUD:
            missing = missing_for_cloud(loaded)
            click.echo("answers  nobody: this version has no remote backends yet; stigmer backend switch local")
            if missing:
                click.echo(f"missing  {', '.join(missing)}")
            return ExitCode.UNAVAILABLE
        home = Home.from_environment()
        try:
            async with Client(home, start_daemon=False) as client:
                answer = await client.get_status()
        except Unavailable:
            click.echo("answers  nobody: no daemon runs; whoever needs it starts it (stigmer server start)")
            return ExitCode.UNAVAILABLE
        click.echo(
            f"answers  the daemon, pid {answer.pid}, version {safe(answer.version)}, on {safe(str(home.operator_socket))}"
        )
        return ExitCode.OK

    return run_async(work)


@command.command("switch")
@click.argument("to", type=click.Choice([each.value for each in BackendType]), metavar="local|cloud")
def switch(to: str) -> int:
    """Choose the backend. `cloud` is refused until this version can speak to one, and says what it will want.

    \b
    Example:
      stigmer backend switch local
    """

    def work() -> int:
        if to == BackendType.CLOUD.value:
            missing = missing_for_cloud(configuration())
            click.echo("stigmer: this version has no remote backends yet, so nothing was changed", err=True)
            if missing:
                click.echo(f"  once they come, these are wanted: {', '.join(missing)}", err=True)
            return ExitCode.STATE
        set_value(Home.from_environment(), KEY, to)
        say(setting_named(KEY))
        return ExitCode.OK

    return said(work)
