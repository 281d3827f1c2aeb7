"""`stigmer secrets`: set, list and delete secrets, see how they are guarded, and change the key that guards them."""

import json
from datetime import UTC, datetime

import click
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import GetSecretsStatusResponse, Rung
from stigmer_apis.client import Client
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.providers import check_keyed_provider
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.secret_input import check_name, read_secret, refuse_in_arguments
from stigmer_tui.cli.tables import print_json, print_table
from stigmer_tui.text import safe

RUNGS = {
    "keyring": Rung.RUNG_KEYRING,
    "passphrase": Rung.RUNG_PASSPHRASE,
    "systemd": Rung.RUNG_SYSTEMD_CREDENTIAL,
    "memory": Rung.RUNG_MEMORY,
    "file": Rung.RUNG_FILE,
}
MEMORY_ALONE = """\
stigmer: this secret is gone when the daemon stops: its key is kept in memory alone
  `stigmer secrets status` shows where else; `stigmer secrets unlock --keep passphrase` keeps it over restarts"""
"""Said on standard error, whoever reads it: what was given would be lost without a word."""
WORDS = {number: name for name, number in RUNGS.items()}

_environment = click.option("-e", "--environment", default="", help="The environment that it stands in.")
_output = click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
_keep = click.option(
    "--keep",
    type=click.Choice(list(RUNGS)),
    help="Keep the master key there from now on. `file` protects copies of the store, and nothing else.",
)


@click.group("secrets")
def command() -> None:
    """Set secrets, and see how they are guarded. No command shows one.

    \b
    Examples:
      stigmer secrets set GITHUB_TOKEN --environment work
      stigmer secrets status
    """


@command.command("set")
@click.argument("name")
@click.argument("extra", nargs=-1, type=click.UNPROCESSED)
@_environment
@click.option("-d", "--description", default="", help="What it is for.")
@click.option("--base64", "as_base64", is_flag=True, help="Take any bytes, and keep them in base64.")
def set_command(name: str, extra: tuple[str, ...], environment: str, description: str, as_base64: bool) -> int:
    """Store a secret of 8 bytes to 1 MiB, from standard input or a masked prompt.

    The environment is made where there is none; without one it is `default`. One line loses its line end; several are kept to the byte.

    \b
    Examples:
      stigmer secrets set GITHUB_TOKEN
      stigmer secrets set DEPLOY_KEY --environment work < deploy.pem
      stigmer secrets set KEYSTORE --base64 < keystore.p12
    """
    check_name(name, "stigmer secrets set NAME")
    refuse_in_arguments(extra, f"stigmer secrets set {safe(name)}")

    async def work(client: Client) -> int:
        answer = await client.secrets.set(name, value, environment=environment, description=description)
        where = safe(environment) or "the environment default"
        note(f"stigmer: {safe(name)} is {'replaced' if answer.replaced else 'stored'} in {where}")
        if (await client.secrets.status()).rung == Rung.RUNG_MEMORY:
            click.echo(MEMORY_ALONE, err=True)
        return ExitCode.OK

    value = _read(f"The secret {name}", as_base64)
    return with_client(work)


@command.command("list")
@_environment
@_output
def list_command(environment: str, output: str) -> int:
    """List names of secrets, where they stand and when they were set.

    \b
    Example:
      stigmer secrets list
    """

    async def work(client: Client) -> int:
        found = await client.secrets.list(environment)
        if output == "json":
            print_json(found)
            return ExitCode.OK
        rows = [[one.name, one.environment, _time(one.set_unix_micros), one.locked or one.description] for one in found]
        print_table(["NAME", "ENVIRONMENT", "SET", "ABOUT"], rows)
        return ExitCode.OK

    return with_client(work)


@command.command("delete")
@click.argument("name")
@_environment
def delete_command(name: str, environment: str) -> int:
    """Remove a secret, and destroy the key that its value was sealed with.

    \b
    Example:
      stigmer secrets delete GITHUB_TOKEN --environment work
    """

    async def work(client: Client) -> int:
        await client.secrets.delete(name, environment)
        return ExitCode.OK

    return with_client(work)


@command.command("rotate")
def rotate_command() -> int:
    """Make a new master key, wrap every data key by it, and destroy the old one. Stopped anywhere, it goes on when run again.

    \b
    Example:
      stigmer secrets rotate
    """

    async def work(client: Client) -> int:
        rewrapped = await client.secrets.rotate()
        keys = "1 data key is" if rewrapped == 1 else f"{rewrapped} data keys are"
        click.echo(f"{keys} wrapped by a new master key; the old one is destroyed")
        return ExitCode.OK

    return with_client(work)


@command.command("status")
@_output
@_keep
def status_command(output: str, keep: str | None) -> int:
    """Show how the secrets are guarded: what that protects against, and what not.

    \b
    Examples:
      stigmer secrets status
      stigmer secrets status --keep keyring
    """

    async def work(client: Client) -> int:
        if keep is not None:
            await client.secrets.unlock(passphrase, keep=RUNGS[keep])
        status = await client.secrets.status()
        if output == "json":
            click.echo(json.dumps(MessageToDict(status, always_print_fields_with_no_presence=True), indent=2))
        else:
            _print_status(status)
        return ExitCode.OK

    passphrase = _passphrase("A passphrase for the secrets") if keep == "passphrase" else b""
    return with_client(work)


@command.command("unlock")
@_keep
def unlock_command(keep: str | None) -> int:
    """Hand over the passphrase, from standard input or a masked prompt.

    \b
    Examples:
      stigmer secrets unlock
      stigmer secrets unlock --keep passphrase
    """

    async def work(client: Client) -> int:
        rung = await client.secrets.unlock(passphrase, keep=RUNGS[keep] if keep is not None else Rung.RUNG_UNSPECIFIED)
        note(f"stigmer: the secrets are open; their key is kept in: {WORDS.get(rung, 'another place')}")
        return ExitCode.OK

    passphrase = b"" if keep not in (None, "passphrase") else _passphrase("The passphrase of the secrets")
    return with_client(work)


@command.group("provider")
def provider() -> None:
    """Keys of model providers.

    \b
    Examples:
      stigmer secrets provider set anthropic
      stigmer secrets provider list
    """


@provider.command("set")
@click.argument("name")
@click.argument("extra", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--remember", is_flag=True, help="Put it into the OS keyring, too. Without it, it is gone when the daemon stops."
)
def provider_set_command(name: str, extra: tuple[str, ...], remember: bool) -> int:
    """Give a provider's key to the daemon, from standard input or a masked prompt.

    \b
    Examples:
      stigmer secrets provider set anthropic
      stigmer secrets provider set openai --remember < openai.key
    """
    check_name(name, "stigmer secrets provider set NAME")
    refuse_in_arguments(extra, f"stigmer secrets provider set {safe(name)}")
    try:
        check_keyed_provider(name)
    except InvalidArgument as error:
        raise click.UsageError(f"{error.message}: {error.remedy}") from error

    async def work(client: Client) -> int:
        await client.secrets.set_provider_key(name, value, remember=remember)
        where = (
            "in the keyring" if remember else "in memory until the daemon stops (--remember keeps it in the keyring)"
        )
        note(f"stigmer: the key of {safe(name)} is kept {where}")
        return ExitCode.OK

    value = _read(f"The key of {name}", False)
    return with_client(work)


@provider.command("list")
@_output
def provider_list_command(output: str) -> int:
    """List the providers that there is a key for, and where it is from.

    \b
    Example:
      stigmer secrets provider list
    """

    async def work(client: Client) -> int:
        keys = await client.secrets.provider_keys()
        if output == "json":
            print_json(keys)
        else:
            print_table(["PROVIDER", "FROM"], [[key.provider, key.origin] for key in keys])
        return ExitCode.OK

    return with_client(work)


@provider.command("delete")
@click.argument("name")
def provider_delete_command(name: str) -> int:
    """Forget a provider's key, in memory and in the keyring.

    \b
    Example:
      stigmer secrets provider delete anthropic
    """

    async def work(client: Client) -> int:
        await client.secrets.delete_provider_key(name)
        return ExitCode.OK

    return with_client(work)


def _read(prompt: str, as_base64: bool) -> bytes:
    try:
        return read_secret(safe(prompt), as_base64=as_base64)
    except InvalidArgument as error:
        raise click.UsageError(f"{error.message}: {error.remedy}") from error


def _passphrase(prompt: str) -> bytes:
    return _read(prompt, False)


def _time(micros: int) -> str:
    if not micros:
        return "-"
    return datetime.fromtimestamp(micros / 1_000_000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _print_status(status: GetSecretsStatusResponse) -> None:
    click.echo(f"secrets      {status.secrets}")
    click.echo(f"key kept in  {WORDS.get(status.rung, 'another place')}")
    if status.locked:
        click.echo(f"LOCKED       {safe(status.locked)}")
    click.echo("\nprotects against")
    for line in status.protects:
        click.echo(f"  + {safe(line)}")
    click.echo("does not protect against")
    for line in status.does_not_protect:
        click.echo(f"  - {safe(line)}")
    click.echo("\nplaces for the key on this machine")
    for one in status.rungs:
        name = WORDS.get(one.rung, "another place")
        click.echo(f"  {name:<11} {'usable' if one.usable else 'no':<7} {safe(one.detail)}")
