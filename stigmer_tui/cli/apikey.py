"""`stigmer apikey`: who may come from another machine."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from stigmer_apis._generated.stigmer.access.v1 import api_key_service_pb2 as pb
from stigmer_apis.client import Client
from stigmer_apis.errors import FailedPrecondition
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.text import Untrusted, safe

_ROLES: Mapping[str, "pb.ApiKeyRole.ValueType"] = {
    "viewer": pb.API_KEY_ROLE_VIEWER,
    "operator": pb.API_KEY_ROLE_OPERATOR,
    "runner": pb.API_KEY_ROLE_RUNNER,
}
_WORDS = {number: word for word, number in _ROLES.items()}
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


class Span(click.ParamType[int]):
    """A time from now on: `30d`, `12h`."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """In seconds."""
        text = str(value)
        number, unit = text[:-1], text[-1:]
        if not number.isdecimal() or unit not in _UNITS or not 0 < int(number) * _UNITS[unit] <= 3650 * 86_400:
            self.fail(f"{text!r} is no time: write it as 90m, 12h, 30d or 8w, at most ten years", param, ctx)
        return int(number) * _UNITS[unit]


@click.group("apikey")
def command() -> None:
    """Make, list and revoke the keys that clients of other machines come with.

    \b
    Example:
      stigmer apikey list
    """


@command.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(list(_ROLES)), default="operator", help="What it may do. Default: operator.")
@click.option("--expires", type=Span(), metavar="TIME", help="After which it opens nothing: 12h, 30d. Default: never.")
def create(name: str, role: str, expires: int | None) -> int:
    """Make a key called NAME and print it, this once, alone on the last line.

    \b
    Example:
      stigmer apikey create laptop --role viewer --expires 30d
    """

    async def work(client: Client) -> int:
        until = 0 if expires is None else int((time.time() + expires) * 1e6)
        made = await client.api_keys.create(name, _ROLES[role], until)
        click.echo(f"{made.api_key.key_id}  {safe(Untrusted(name))}  {role}  {_until(until)}", err=True)
        if not made.key:
            raise FailedPrecondition(
                f"the key {name!r} was made, but the answer that told it got lost, and it is told once",
                remedy=f"revoke it and make another: stigmer apikey revoke {made.api_key.key_id}",
            )
        click.echo("it is shown this once; whoever has it acts as you. stigmer apikey revoke takes it back", err=True)
        click.echo(made.key)
        return ExitCode.OK

    return with_client(work)


@command.command("list")
def list_() -> int:
    """List the keys that are known, expired ones too; never the keys themselves.

    \b
    Example:
      stigmer apikey list
    """

    async def work(client: Client) -> int:
        keys = await client.api_keys.list()
        if not keys:
            click.echo("no API keys; stigmer apikey create NAME makes one", err=True)
        for key in keys:
            made = datetime.fromtimestamp(key.created_unix_micros / 1e6, UTC)
            name, role = safe(Untrusted(key.name), lines=False), _WORDS.get(key.role, "?")
            click.echo(f"{key.key_id}  {role:<8}  {made:%Y-%m-%d}  {_until(key.expires_unix_micros):<24}  {name}")
        return ExitCode.OK

    return with_client(work)


@command.command("revoke")
@click.argument("key", metavar="NAME|ID")
def revoke(key: str) -> int:
    """Take a key back: it opens nothing any more. Calls under way go on to their end.

    \b
    Example:
      stigmer apikey revoke laptop
    """

    async def work(client: Client) -> int:
        gone = await client.api_keys.revoke(key)
        click.echo(f"revoked {gone.key_id}  {safe(Untrusted(gone.name), lines=False)}")
        return ExitCode.OK

    return with_client(work)


def _until(micros: int) -> str:
    if not micros:
        return "does not expire"
    when = datetime.fromtimestamp(micros / 1e6, UTC)
    return f"{'expired' if micros <= time.time() * 1e6 else 'until'} {when:%Y-%m-%d %H:%M}"
