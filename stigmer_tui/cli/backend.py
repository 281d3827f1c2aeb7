"""`stigmer backend`: who keeps everything, and who answers."""

import asyncio
import os

import click

from stigmer_apis.client import Client, ClientOptions
from stigmer_apis.config import BackendType
from stigmer_apis.config.changing import set_value, setting_named
from stigmer_apis.errors import StigmerError, Unavailable
from stigmer_apis.home import Home
from stigmer_tui.backends import KEY_VARIABLE, Logins, remote_at
from stigmer_tui.cli.config import configuration, said, say
from stigmer_tui.cli.connect import complain, run_async
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.secret_input import read_secret
from stigmer_tui.text import safe

KEY = "backend.type"
ENDPOINT = "backend.cloud.endpoint"


@click.group("backend")
def command() -> None:
    """Look at the backend, and choose it: local, the daemon on this machine; or cloud, a server on another one.

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
        home = Home.from_environment()
        if loaded.settings.backend.type is BackendType.CLOUD:
            return await _remote_status(
                home, loaded.settings.backend.cloud.endpoint or loaded.settings.backend.local.endpoint
            )
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


async def _remote_status(home: Home, endpoint: str) -> int:
    click.echo(f"address  {safe(endpoint) or 'not set: stigmer backend switch cloud --endpoint HOST:PORT'}")
    if not endpoint:
        return ExitCode.UNAVAILABLE
    try:
        async with Client(home, remote=remote_at(home, endpoint), options=ClientOptions(patience=0)) as client:
            info = client.server_info
    except StigmerError as error:
        click.echo("answers  nobody who takes us in")
        complain(error)
        return exit_code_of(error)
    click.echo(f"answers  a server of version {safe(info.version)}; the key is of the role {safe(info.role)}")
    return ExitCode.OK


@command.command("switch")
@click.argument("to", type=click.Choice([each.value for each in BackendType]), metavar="local|cloud")
@click.option("--endpoint", metavar="HOST:PORT", default="", help="Where the server of `cloud` is.")
def switch(to: str, endpoint: str) -> int:
    """Choose the backend: every command and the app speak to it from now on.

    \b
    Examples:
      stigmer backend switch cloud --endpoint box.example:7443
      stigmer backend switch local
    """

    def work() -> int:
        from stigmer_apis.client.remote import Endpoint

        home = Home.from_environment()
        if to == BackendType.CLOUD.value:
            known = configuration().settings.backend.cloud.endpoint
            if not endpoint and not known:
                raise click.UsageError("say where the server is: --endpoint HOST:PORT")
            where = str(Endpoint.parse(endpoint or known))
            set_value(home, ENDPOINT, where)
            set_value(home, KEY, to)
            say(setting_named(ENDPOINT))
            if not (os.environ.get(KEY_VARIABLE) or Logins(home).has(where)):
                click.echo(f"  no key is known for it yet: stigmer backend login --endpoint {where}", err=True)
        else:
            set_value(home, KEY, to)
        say(setting_named(KEY))
        return ExitCode.OK

    return said(work)


@command.command("login")
@click.option("--endpoint", metavar="HOST:PORT", default="", help="For which server. Default: the configured one.")
def login(endpoint: str) -> int:
    """Keep the key to a server, read from standard input or a masked prompt, once the server has taken it.

    \b
    Example:
      stigmer backend login --endpoint box.example:7443
    """

    async def work() -> int:
        from stigmer_apis.client.remote import Endpoint, Remote

        home = Home.from_environment()
        where = str(Endpoint.parse(_endpoint(endpoint)))
        key = read_secret(f"API key for {where}").decode("utf-8", "replace").strip()
        async with Client(home, remote=Remote(where, key), options=ClientOptions(patience=0)) as client:
            role = client.server_info.role
        kept = await asyncio.to_thread(_keep, home, where, key)
        click.echo(f"the server at {where} knows this key ({safe(role)}); it is kept in {safe(kept)}")
        return ExitCode.OK

    return run_async(work)


@command.command("logout")
@click.option("--endpoint", metavar="HOST:PORT", default="", help="For which server. Default: the configured one.")
def logout(endpoint: str) -> int:
    """Forget the key to a server. The key itself stays good: `stigmer apikey revoke` on its machine ends it.

    \b
    Example:
      stigmer backend logout --endpoint box.example:7443
    """

    def work() -> int:
        from stigmer_apis.client.remote import Endpoint

        where = str(Endpoint.parse(_endpoint(endpoint)))
        there = Logins(Home.from_environment()).remove(where)
        click.echo(f"forgot the key to {where}" if there else f"no key to {where} was kept")
        return ExitCode.OK

    return said(work)


def _endpoint(given: str) -> str:
    backend = configuration().settings.backend
    known = given or backend.cloud.endpoint or backend.local.endpoint
    if not known:
        raise click.UsageError("say which server: --endpoint HOST:PORT")
    return known


def _keep(home: Home, endpoint: str, key: str) -> str:
    """Where it is kept, in words."""
    home.prepare_root()
    return Logins(home).put(endpoint, key)
