"""`stigmer schema`: JSON Schemas for editors."""

from pathlib import Path

import click

from stigmer_tui.cli.naming import KindName
from stigmer_tui.cli.printing import to_json
from stigmer_tui.manifests.kinds import DESCRIBED, Kind
from stigmer_tui.manifests.schemas import all_kinds_schema, kind_schema

ALL = "stigmer.json"
"""The file of the schema of all kinds."""


@click.command("schema")
@click.argument("kind", type=KindName(described=True), required=False)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write a file for each kind here, and one for all."
)
def command(kind: Kind | None, out: Path | None) -> int:
    """Print the JSON Schema of documents of a KIND, or of all kinds.

    An editor with a YAML language server then completes and checks as you type: begin a file with
    `# yaml-language-server: $schema=.stigmer/schemas/agent.json`. `stigmer init` does both.

    \b
    Examples:
      stigmer schema agent
      stigmer schema --out .stigmer/schemas
    """
    if out is None:
        click.echo(to_json(kind_schema(kind) if kind is not None else all_kinds_schema()))
        return 0
    for path in write_schemas(out, [kind] if kind is not None else None):
        click.echo(str(path))
    return 0


def write_schemas(directory: Path, kinds: list[Kind] | None = None) -> list[Path]:
    """Write the schemas of `kinds`, or of all and of all together. Returns the files. Fails with words where that cannot be."""
    contents = {f"{kind.word}.json": kind_schema(kind) for kind in kinds or DESCRIBED}
    if kinds is None:
        contents[ALL] = all_kinds_schema()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, schema in contents.items():
            (directory / name).write_text(to_json(schema) + "\n")
    except OSError as error:
        raise click.ClickException(f"{directory} cannot be written: {error.strerror}") from error
    return [directory / name for name in contents]
