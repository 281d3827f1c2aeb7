"""`stigmer version`: ours, and those of what matters to a bug report."""

import platform

import click


@click.command("version")
def command() -> None:
    """Show the versions of Stigmer and of what it stands on.

    \b
    Example:
      stigmer version
    """
    from importlib.metadata import version

    from stigmer_apis._version import __version__

    click.echo(f"stigmer {__version__}")
    click.echo(f"python {platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}")
    for name in ("textual", "grpcio", "protobuf", "ZODB", "temporalio"):
        click.echo(f"{name} {version(name)}")
