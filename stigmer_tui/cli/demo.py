"""`stigmer demo`: the whole workstation at work, without a key."""

import asyncio
import sys
from pathlib import Path

import click

from stigmer_apis.errors import StigmerError
from stigmer_tui.cli.connect import complain
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of


@click.command("demo")
@click.option("--auto", is_flag=True, help="Ask nothing: the agent works in its sandbox by itself.")
@click.option(
    "--speed", type=click.FloatRange(0.1, 100.0), default=1.0, help="How fast the script talks; 1 is a model's pace."
)
@click.option("--keep", type=click.Path(path_type=Path), help="Make the project in this directory, and leave it there.")
def command(auto: bool, speed: float, keep: Path | None) -> int:
    """Watch an agent mend a small project. A script answers in place of a model; everything else is real.

    It has a home, a daemon and a project of its own, which are gone when you leave. Without a terminal it takes --auto.

    \b
    Example:
      stigmer demo --auto --speed 50
    """
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if not interactive and not auto:
        raise click.UsageError("without a terminal nobody can be asked: add --auto")
    try:
        return asyncio.run(_headless(speed, keep)) if not interactive else _in_the_app(auto, speed, keep)
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)


async def _headless(speed: float, keep: Path | None) -> int:
    """Print what happens."""
    from stigmer_apis.client import Client
    from stigmer_tui.cli.stream import ExecutionStream, StreamOptions
    from stigmer_tui.demo.stage import LABEL, staged

    click.echo(LABEL, err=True)
    async with staged(ask=False, speed=speed, keep=keep) as stage, Client(stage.home) as client:
        execution = await client.run(stage.agent, stage.message, workspace=str(stage.project))
        return await ExecutionStream(client, execution.metadata.id, StreamOptions(follow=True)).show()


def _in_the_app(auto: bool, speed: float, keep: Path | None) -> int:
    """Open the workstation on it."""
    from stigmer_tui.app import StigmerApp, run_prepared
    from stigmer_tui.demo.stage import LABEL, staged

    async def show() -> int:
        async with staged(ask=not auto, speed=speed, keep=keep) as stage:
            app = StigmerApp(stage.home, workspace=stage.project, label=LABEL)
            app.agent = stage.agent
            app.start_with(stage.agent, stage.message)
            return await run_prepared(app)

    try:
        return asyncio.run(show())
    except KeyboardInterrupt:
        return ExitCode.OK
