"""What a run needs and does not have yet: asked for at a terminal, named elsewhere."""

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import click

from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2 import ListMissingKeysResponse
from stigmer_apis.client import Client
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_tui.cli.secret_input import VARIABLE_PREFIX, ask_masked, ask_shown
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


class Needs:
    """What an agent needs for a run: looked at with a client, asked for without one, so that Ctrl+C at the question ends the command."""

    def __init__(self, agent: str, variables: Mapping[str, str], secrets: Mapping[str, str], model: str = "") -> None:
        self.variables = dict(variables)
        """Values for the run alone that may be shown, those that were asked for among them."""
        self.secrets = dict(secrets)
        """The same for those that may not."""
        self.missing: list[Missing] = []
        """What has to be asked for."""
        self._agent = agent
        self._model = model
        self._keys: dict[str, str] = {}

    async def are_met(self, client: Client) -> bool:
        """Hand over the keys that were asked for, and look: False where something has to be asked for.

        Raises `FailedPrecondition` where nobody can be asked, with every variable and every command that would help.
        """
        for provider, key in self._keys.items():
            await client.secrets.set_provider_key(provider, key.encode())
        found: Sequence[Missing] = ()
        # Whoever starts the run says better that there is no such agent: with those that there are.
        with suppress(NotFound):
            found = await client.secrets.missing(self._agent, self._model) if self._agent else ()
        missing = [one for one in found if one.variable not in {**self.variables, **self.secrets}]
        if missing and not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise not_there(self._agent, missing)
        self.missing = missing
        return not missing

    def ask(self) -> None:
        """Ask for what is missing, secrets unseen. Raises `click.Abort` at Ctrl+C."""
        for one in self.missing:
            question = f"{safe(one.variable)} ({safe(one.reason)})"
            if not one.is_secret:
                self.variables[one.variable] = ask_shown(question)
                continue
            value = ask_masked(question)
            if one.provider:
                self._keys[one.provider] = value
            else:
                self.secrets[one.variable] = value


def not_there(agent: str, missing: Sequence[Missing]) -> FailedPrecondition:
    """What is missing, all of it at once, with what to do about each."""
    names = ", ".join(f"{one.variable} ({one.reason})" for one in missing)
    return FailedPrecondition(
        f"the agent {agent!r} cannot run yet: {names} {'is' if len(missing) == 1 else 'are'} missing",
        remedy="\n".join(_how(one) for one in missing),
    )


def _how(missing: Missing) -> str:
    if missing.provider:
        return f"stigmer secrets provider set {missing.provider}  (or start the daemon with {missing.variable} set)"
    if not missing.is_secret:
        return f"run it with -e {missing.variable}=VALUE, or put it into one of the agent's environments"
    return f"run it with --secret {missing.variable} and {VARIABLE_PREFIX}{missing.variable} set, or put it into one of the agent's environments"
