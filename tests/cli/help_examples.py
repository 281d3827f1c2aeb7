"""The examples in every command's help."""

from collections.abc import Iterator

import click

from stigmer_tui.cli.root import root


def commands(
    command: click.Command = root, words: tuple[str, ...] = ("stigmer",)
) -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it, groups before what is in them."""
    yield " ".join(words), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is None:
                raise LookupError(f"{name} is listed and not there")
            yield from commands(below, (*words, name))


def examples(command: click.Command) -> list[str]:
    """The command lines of its help, each as it stands there."""
    text = command.help or ""
    _, found, after = text.partition("Example")
    return [line.strip() for line in after.splitlines() if "stigmer" in line.split("'")[0]] if found else []
