"""`stigmer init`: a project to start from."""

from pathlib import Path

import click

from stigmer_apis.slugs import slugify
from stigmer_tui.cli.schema import write_schemas
from stigmer_tui.cli.writing_files import CannotWrite, write_new
from stigmer_tui.manifests.drafts import SCHEMAS, project


@click.command("init")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--name", help="What agent and environment are called; default: the directory's name.")
def command(directory: Path, name: str | None) -> int:
    """Start a project in DIRECTORY (default: here): an agent, an environment, a workflow, AGENTS.md, a .gitignore, and schemas for editors.

    Files that are there are left as they are.

    \b
    Example:
      stigmer init my-project
    """
    called = name or slugify(directory.absolute().name) or "project"
    if not slugify(called):
        raise click.UsageError(f"{called!r} cannot be a name: a name has a letter a-z or a digit in it.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{directory} cannot be made: {error.strerror}") from error
    for path, text in project(called).items():
        target = directory / path
        if target.exists():
            click.echo(f"{target} is there already, left as it is")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        write_new(target, text)
        click.echo(f"{target} written")
    write_schemas(directory / SCHEMAS)
    click.echo(f"{directory / SCHEMAS} written")
    where = "." if directory == Path() else str(directory)
    workflow = directory / "workflows" / "hello.yaml"
    click.echo(
        f"\nMake it so:   stigmer apply -f {where}\nThen run it:  stigmer run {slugify(called)}-here -m 'Say hello' -w {where}\nNo key yet?   stigmer run {workflow}"
    )
    return 0
