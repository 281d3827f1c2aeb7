"""`stigmer models`: the models of a local Ollama: which there are, getting one, whether it runs."""

import json
import sys
from contextlib import aclosing
from dataclasses import asdict

import click

from stigmer_apis.ollama import Ollama, PullProgress, suggestions
from stigmer_tui.cli.config import configuration
from stigmer_tui.cli.connect import run_async
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.tables import print_table
from stigmer_tui.text import safe

_STEP = 10
"""Percent between two lines of progress where nobody watches."""


@click.group("models")
def command() -> None:
    """See, get and check the models of a local Ollama. Where it answers: OLLAMA_BASE_URL.

    \b
    Examples:
      stigmer models status
      stigmer models pull qwen2.5-coder:7b
    """


@command.command("list")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def list_command(output: str) -> int:
    """List the models that Ollama has.

    \b
    Example:
      stigmer models list
    """

    async def work() -> int:
        models = await _ollama().models()
        if output == "json":
            click.echo(json.dumps([asdict(model) for model in models], indent=2))
            return ExitCode.OK
        if not models:
            click.echo(f"Ollama has no models yet. Get one: stigmer models pull {suggestions(())[0]}", err=True)
            return ExitCode.OK
        rows = [[each.name, _size(each.size), each.parameters, each.quantization] for each in models]
        print_table(["NAME", "SIZE", "PARAMETERS", "QUANTIZATION"], rows)
        return ExitCode.OK

    return run_async(work)


@command.command("pull")
@click.argument("name")
def pull(name: str) -> int:
    """Get a model, and follow how far it came. Ctrl+C stops it; the next time it goes on from there.

    \b
    Example:
      stigmer models pull qwen2.5-coder:7b
    """

    async def work() -> int:
        progress = _Progress(sys.stderr.isatty())
        async with aclosing(_ollama().pull(name)) as steps:
            async for step in steps:
                progress.show(step)
        progress.end()
        click.echo(f"{safe(name)} is here. Use it as ollama/{safe(name)}.")
        return ExitCode.OK

    return run_async(work)


@command.command("status")
def status() -> int:
    """Show whether Ollama runs, and what it has. Ends with 69 where it does not run.

    \b
    Example:
      stigmer models status
    """

    async def work() -> int:
        ollama = _ollama()
        version = await ollama.version()
        models = await ollama.models()
        click.echo(f"ollama   {safe(version or 'unknown version')}, at {safe(ollama.base_url)}")
        click.echo(f"models   {', '.join(safe(model.name) for model in models) or 'none'}")
        if missing := suggestions(models):
            click.echo(f"to get   stigmer models pull {missing[0]}")
        return ExitCode.OK

    return run_async(work)


class _Progress:
    """Says how far it came: on one line to a person who watches, else in steps, on standard error."""

    def __init__(self, watched: bool) -> None:
        self._watched = watched
        self._last = ""
        self._width = 0

    def show(self, step: PullProgress) -> None:
        """One step."""
        percent = 100 * step.completed // step.total if step.total else None
        if percent is not None and not self._watched:
            percent -= percent % _STEP
        line = safe(step.status) if percent is None else f"{safe(step.status)}  {percent} %"
        if self._watched and step.total:
            line += f"  {_size(step.completed)} of {_size(step.total)}"
        if line == self._last:
            return
        self._last = line
        if self._watched:
            click.echo("\r" + line.ljust(self._width), nl=False, err=True)
            self._width = len(line)
        else:
            click.echo(line, err=True)

    def end(self) -> None:
        """Nothing more comes."""
        if self._watched:
            click.echo("", err=True)


def _ollama() -> Ollama:
    return Ollama(configuration().settings.variables.ollama_base_url)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
