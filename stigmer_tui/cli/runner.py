"""`stigmer runner`: runners, above all those of other machines."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from stigmer_apis._generated.stigmer.server.v1 import server_pb2
from stigmer_apis.api_keys import parse
from stigmer_apis.client import Client
from stigmer_apis.config import BackendType
from stigmer_apis.errors import ConfigError, PermissionDenied, Unauthenticated
from stigmer_apis.home import Home
from stigmer_tui.backends import KEY_VARIABLE
from stigmer_tui.cli.config import configuration
from stigmer_tui.cli.connect import run_async, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.text import Untrusted, safe

_LONGEST_KEY = 512
_EXITS = {2: ExitCode.UNAVAILABLE, 3: ExitCode.STATE, 4: ExitCode.DENIED}
"""Of the runner's program to ours."""


@click.group("runner")
def command() -> None:
    """Look at runners, let one leave, or be the runner of a server on another machine.

    \b
    Example:
      stigmer runner list
    """


@command.command("start")
@click.option(
    "--backend", metavar="HOST:PORT", default="", help="The server. Default: the configured one (MODE=cloud)."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="A file with an API key of the role runner, yours alone. Default: STIGMER_API_KEY.",
)
@click.option("--labels", default="", metavar="A,B", help="What work may ask for, beside this machine's name.")
def start(backend: str, token_file: Path | None, labels: str) -> int:
    """Take work from a server of another machine, here, until told to stop. What runs for it works in directories of this machine.

    A key for it: stigmer apikey create NAME --role runner on the server's machine, one for each runner.

    \b
    Example:
      stigmer runner start --backend box.example:7443 --token-file key --labels gpu,linux
    """

    async def work() -> int:
        home = Home.from_environment()
        where = backend or _configured()
        key = await asyncio.to_thread(_key, token_file)
        await asyncio.to_thread(home.prepare)
        return await _run(home, where, key, labels)

    return run_async(work)


async def _run(home: Home, where: str, key: str, labels: str) -> int:
    """The runner's program, in the foreground, with the key on its input."""
    words = [sys.executable, "-m", "stigmer_runner", "--home", str(home.root), "--backend", where, "--labels", labels]
    child = await asyncio.to_thread(_start, words, key)
    waiting = asyncio.create_task(asyncio.to_thread(child.wait))
    try:
        code = await asyncio.shield(waiting)
    except asyncio.CancelledError:
        child.send_signal(signal.SIGTERM)
        await waiting
        return ExitCode.INTERRUPTED
    return _EXITS.get(code, code)


def _start(words: Sequence[str], key: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}
    child = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment, start_new_session=True)
    assert child.stdin is not None
    with child.stdin as stdin:
        stdin.write(key.encode("ascii") + b"\n")
    return child


def _configured() -> str:
    backend = configuration().settings.backend
    known = backend.cloud.endpoint or (backend.local.endpoint if backend.type is BackendType.CLOUD else "")
    if not known:
        raise ConfigError("no server is named", remedy="name it: --backend HOST:PORT, or STIGMER_BACKEND_ENDPOINT")
    return known


def _key(file: Path | None) -> str:
    """The key, out of a file that nobody else reads or the environment. Raises `StigmerError`."""
    text = os.environ.get(KEY_VARIABLE, "")
    if file is not None:
        try:
            with file.open("rb") as opened:
                if os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise PermissionDenied(f"{file} is readable by others", remedy=f"chmod 600 {file}")
                text = opened.read(_LONGEST_KEY).decode("ascii", "replace")
        except OSError as error:
            raise ConfigError(f"{file} cannot be read: {error.strerror}", remedy="name another file") from error
    if not text.strip():
        raise Unauthenticated(
            "there is no API key for the server",
            remedy="`stigmer apikey create NAME --role runner` on its machine makes one: --token-file FILE",
        )
    return parse(text).text


@command.command("list")
def list_() -> int:
    """List the runners that are connected, and this machine's own.

    \b
    Example:
      stigmer runner list
    """

    async def work(client: Client) -> int:
        for runner in (await client.get_status()).runners:
            click.echo(line_of(runner))
        return ExitCode.OK

    return with_client(work)


def line_of(runner: server_pb2.GetStatusResponse.Runner) -> str:
    """A runner in a line."""
    state = "leaving" if runner.draining else "connected" if runner.connected else "away"
    where = safe(Untrusted(runner.host), lines=False) if runner.host else "here"
    labels = safe(Untrusted(",".join(runner.labels)), lines=False) or "-"
    return f"{safe(runner.runner_id) or '-':<30}  {state:<9}  runs {runner.running:<3}  {where}  {labels}"


@command.command("drain")
@click.argument("runner")
def drain(runner: str) -> int:
    """Give RUNNER (its id or the beginning of it) nothing more; it leaves once what it runs has ended.

    The server's own runner is started again then, as the installed version.

    \b
    Example:
      stigmer runner drain key-01
    """

    async def work(client: Client) -> int:
        answer = await client.drain_runner(runner)
        left = f"it runs {answer.running} still, and leaves then" if answer.running else "it runs nothing, and leaves"
        click.echo(f"{safe(answer.runner_id)} is given nothing more; {left}")
        return ExitCode.OK

    return with_client(work)
