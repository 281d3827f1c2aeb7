"""`stigmer skill`: what agents can learn, pushed in versions."""

import asyncio
from pathlib import Path

import click
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill
from stigmer_apis.client import Client
from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_tui.cli.connect import complain, note, with_client
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.history import moment, versions_of
from stigmer_tui.cli.naming import completer
from stigmer_tui.cli.nouns import delete_command, list_command
from stigmer_tui.cli.printing import Form, Output, OutputForm, print_data
from stigmer_tui.cli.resources import fetch, not_there
from stigmer_tui.cli.skill_packing import pack
from stigmer_tui.cli.tables import print_table
from stigmer_tui.cli.writing_files import CannotWrite
from stigmer_tui.manifests.kinds import SKILL
from stigmer_tui.text import safe

SHORT = 12
"""Digits of a hash that people are shown."""
VERSIONS = 1000

_version = click.option(
    "--version", default="", metavar="V", help="A tag or the hash of a version; the newest without it."
)


@click.group("skill")
def command() -> None:
    """Push, list, show, fetch and delete skills.

    \b
    Example:
      stigmer skill push skills/digging
    """


@command.command("push")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--name", default="", help="What it is called, where SKILL.md says otherwise.")
@click.option("--tag", default="", help="A name for this version, such as `stable`. It moves with each push.")
def push_command(source: Path, name: str, tag: str) -> int:
    """Push the skill in the folder or ZIP SOURCE: new, or the next version of one.

    What .gitignore and .skillignore name is left out. The same files make the same bytes, and the same bytes make no version.

    \b
    Examples:
      stigmer skill push skills/digging
      stigmer skill push skills/digging --tag stable
    """
    try:
        packed = pack(source, name)
    except InvalidArgument as error:
        complain(error)
        return exit_code_of(error)
    for warning in packed.warnings:
        click.echo(f"stigmer: warning: {safe(warning)}", err=True)

    async def work(client: Client) -> int:
        skill, outcome = await client.skills.push(packed.name, packed.archive, tag=tag)
        tagged = f", tag {safe(skill.spec.tag)}" if skill.spec.tag else ""
        click.echo(f"skill/{safe(skill.metadata.slug)} {outcome} (version {skill.status.version_hash[:SHORT]}{tagged})")
        note(f"stigmer: {packed.files} files, {len(packed.archive):,} bytes")
        return ExitCode.OK

    return with_client(work)


command.add_command(list_command(SKILL))


@command.command("get")
@click.argument("name", shell_complete=completer(SKILL))
@_version
@click.option("-o", "--output", type=OutputForm(), default="yaml", show_default=True, help="How to print it.")
def get_command(name: str, version: str, output: Output) -> int:
    """Show the skill called NAME.

    \b
    Examples:
      stigmer skill get digging
      stigmer skill get digging --version stable -o 'jsonpath=$.status.versionHash'
    """

    async def work(client: Client) -> int:
        skill = await _find(client, name, version)
        if output.is_table:
            print_table(["NAME", "VERSION", "TAG"], [[skill.metadata.slug, skill.status.version_hash, skill.spec.tag]])
        else:
            print_data(output, MessageToDict(skill), [f"skill/{skill.metadata.slug}"])
        return ExitCode.OK

    return with_client(work)


@command.command("versions")
@click.argument("name", shell_complete=completer(SKILL))
@click.option(
    "-o", "--output", type=OutputForm(Form.TABLE, Form.JSON, Form.YAML, Form.JSONPATH), default="table",
    help="How to print it.",
)  # fmt: skip
def versions_command(name: str, output: Output) -> int:
    """List what was pushed as the skill called NAME, newest first. An agent may name a version by its tag or whole hash.

    \b
    Examples:
      stigmer skill versions digging
      stigmer skill versions digging -o json
    """

    async def work(client: Client) -> int:
        try:
            found, _ = await versions_of(client, SKILL, name, VERSIONS)
        except NotFound as error:
            raise not_there(SKILL, name, error) from error
        if not output.is_table:
            print_data(output, [MessageToDict(version) for version in found], [])
            return ExitCode.OK
        newest: set[str] = set()
        rows: list[list[str]] = []
        for each in found:
            skill = each.resource.skill
            tag = skill.spec.tag
            shown = f"{tag} (moved on)" if tag in newest else tag
            newest.add(tag or "-")
            rows.append([skill.status.version_hash, shown, moment(each.time_unix_micros), each.author])
        print_table(["VERSION", "TAG", "WHEN", "WHO"], rows)
        return ExitCode.OK

    return with_client(work)


@command.command("pull")
@click.argument("name", shell_complete=completer(SKILL))
@_version
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it; NAME.zip without it.")
def pull_command(name: str, version: str, to: Path | None) -> int:
    """Fetch the ZIP of the skill called NAME, as it was pushed. No file is overwritten.

    \b
    Examples:
      stigmer skill pull digging
      stigmer skill pull digging --version stable --to stable.zip
    """

    async def work(client: Client) -> int:
        skill = await _find(client, name, version)
        archive = await client.skills.archive(skill)
        place = to or Path(f"{skill.metadata.slug}.zip")
        await asyncio.to_thread(_write_new, place, archive)
        click.echo(f"{place}: skill/{safe(skill.metadata.slug)}, version {skill.status.version_hash[:SHORT]}")
        return ExitCode.OK

    return with_client(work)


command.add_command(delete_command(SKILL, "digging"))


async def _find(client: Client, name: str, version: str) -> Skill:
    """The skill with this name or id. Raises `NotFound` that says how to list what is there."""
    try:
        newest: Skill = await fetch(client, SKILL, name)
        return await client.skills.get(newest.metadata.slug, version) if version else newest
    except NotFound as error:
        if not version or not error.message.startswith("there is no version"):
            raise
        raise NotFound(error.message, remedy=f"`stigmer skill versions {name}` tells which there are") from error


def _write_new(place: Path, data: bytes) -> None:
    try:
        with place.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise CannotWrite(f"{place} is there already, and was left as it is") from error
    except OSError as error:
        raise CannotWrite(f"{place} cannot be written: {error.strerror}") from error
