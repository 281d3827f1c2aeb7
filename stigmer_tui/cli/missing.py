"""What a run needs and does not have yet: asked for at a terminal, named elsewhere."""

import asyncio
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence

import click

from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import ListMissingKeysResponse
from stigmer_apis.client import Client
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.secret_input import VARIABLE_PREFIX, ask_masked
from stigmer_tui.text import safe

Missing = ListMissingKeysResponse.Missing

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def named_values(pairs: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` pairs by name. Raises `click.UsageError`."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not _NAME.match(name):
            raise click.UsageError(f"{safe(name)!r}: a variable is given as NAME=VALUE")
        found[name] = value
    return found


async def provide_missing(
    client: Client, agent: str, given: Mapping[str, str], secrets: MutableMapping[str, str]
) -> int:
    """See to it that the agent has what it needs: keys of providers go to the daemon's memory, values into `secrets`.

    Where nobody can be asked, raises `FailedPrecondition` that names every variable and every command that would help.
    """
    if not agent:
        return ExitCode.OK
    try:
        missing = [one for one in await client.secrets.missing(agent) if one.variable not in given]
    except NotFound:
        # Whoever starts the run says it better: with the agents that there are.
        return ExitCode.OK
    if missing and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise not_there(agent, missing)
    for one in missing:
        value = await asyncio.to_thread(ask_masked, f"{safe(one.variable)} ({safe(one.reason)})")
        if one.provider:
            await client.secrets.set_provider_key(one.provider, value.encode())
        else:
            secrets[one.variable] = value
    return ExitCode.OK


def not_there(agent: str, missing: Sequence[Missing]) -> FailedPrecondition:
    """What is missing, all of it at once, with what to do about each."""
    names = ", ".join(f"{one.variable} ({one.reason})" for one in missing)
    return FailedPrecondition(
        f"the agent {agent!r} cannot run yet: {names} {'is' if len(missing) == 1 else 'are'} missing",
        remedy="; ".join(_how(one) for one in missing),
    )


def _how(missing: Missing) -> str:
    if missing.provider:
        return f"stigmer secrets provider set {missing.provider}  (or start the daemon with {missing.variable} set)"
    return f"run it with --secret {missing.variable} and {VARIABLE_PREFIX}{missing.variable} set, or put it into one of the agent's environments"
