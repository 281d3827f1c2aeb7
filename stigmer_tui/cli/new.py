"""`stigmer new`: a commented file to start from."""

from pathlib import Path

import click

from stigmer_tui.cli.naming import KindName
from stigmer_tui.cli.writing_files import write_new
from stigmer_tui.manifests.drafts import draft
from stigmer_tui.manifests.kinds import Kind


@click.command("new")
@click.argument("kind", type=KindName(described=True))
@click.argument("name")
@click.option(
    "-f",
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it here; a file that is there is not overwritten.",
)
def command(kind: Kind, name: str, file: Path | None) -> int:
    """Print a commented document of a KIND called NAME, to change and apply.

    \b
    Examples:
      stigmer new agent reviewer
      stigmer new environment staging -f staging.yaml
    """
    text = draft(kind, name)
    if file is None:
        click.echo(text, nl=False)
        return 0
    write_new(file, text)
    click.echo(f"{file} written; make it so: stigmer apply -f {file}")
    return 0
