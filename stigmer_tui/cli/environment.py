"""`stigmer environment`: environments, by the noun."""

import click

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.client import Client
from stigmer_apis.errors import FailedPrecondition
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.creating import blank, create
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import LabelType, completer
from stigmer_tui.cli.nouns import delete_command, get_command, list_command
from stigmer_tui.cli.resources import fetch
from stigmer_tui.manifests.kinds import ENVIRONMENT
from stigmer_tui.text import safe


@click.group("environment")
def command() -> None:
    """Create, list, show, change and delete environments. Secret values: `stigmer secrets`.

    \b
    Example:
      stigmer environment list
    """


@command.command("create")
@click.argument("name")
@click.argument("values", nargs=-1, type=LabelType(), metavar="[NAME=VALUE]...")
@click.option("-d", "--description", default="", help="One line about it.")
def create_environment(name: str, values: tuple[tuple[str, str], ...], description: str) -> int:
    """Create an environment called NAME, with plain values.

    What stands on a command line is in the shell's history: secrets are set with `stigmer secrets set`.

    \b
    Example:
      stigmer environment create staging REGION=eu LOG_LEVEL=debug
    """
    resource, environment = blank(ENVIRONMENT, name)
    environment.spec.description = description
    for key, value in values:
        environment.spec.data[key].value = value
    return create(ENVIRONMENT, resource)


@command.command("set")
@click.argument("name", shell_complete=completer(ENVIRONMENT))
@click.argument("values", nargs=-1, type=LabelType(), metavar="[NAME=VALUE]...")
@click.option("-u", "--unset", multiple=True, metavar="NAME", help="Take this value out; may be given again.")
def set_values(name: str, values: tuple[tuple[str, str], ...], unset: tuple[str, ...]) -> int:
    """Set plain values of the environment called NAME, and take values out.

    \b
    Examples:
      stigmer environment set staging REGION=us
      stigmer environment set staging --unset LOG_LEVEL
    """
    if not values and not unset:
        raise click.UsageError("Say what to set, NAME=VALUE, or --unset NAME.")

    async def work(client: Client) -> int:
        environment = await fetch(client, ENVIRONMENT, name)
        data = environment.spec.data
        for key, value in values:
            if data[key].is_secret:
                raise FailedPrecondition(
                    f"{key} is a secret, and no secret is taken from a command line",
                    remedy=f"stigmer secrets set {key} --environment {environment.metadata.slug}",
                )
            data[key].value = value
        for key in unset:
            data.pop(key, None)
        done = await client.resources.apply([Resource(environment=environment)])
        outcome = done.Outcome.Name(done.applied[0].outcome).removeprefix("OUTCOME_").lower()
        click.echo(f"environment/{safe(environment.metadata.slug)} {outcome}")
        return ExitCode.OK

    return with_client(work)


command.add_command(list_command(ENVIRONMENT))
command.add_command(get_command(ENVIRONMENT, "staging"))
command.add_command(delete_command(ENVIRONMENT, "staging"))
