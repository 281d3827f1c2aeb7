"""What the noun forms (`stigmer agent ...`) have in common: the same commands with the kind given."""

from collections.abc import Callable

import click

from stigmer_tui.cli.delete import delete_one
from stigmer_tui.cli.get import list_options, show_list, show_one
from stigmer_tui.cli.listing import Asked
from stigmer_tui.cli.naming import completer
from stigmer_tui.cli.printing import Output, OutputForm
from stigmer_tui.manifests.kinds import Kind


def with_help(text: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Gives a command its help."""

    def give(function: Callable[..., int]) -> Callable[..., int]:
        function.__doc__ = text
        return function

    return give


def list_command(kind: Kind) -> click.Command:
    """`list`."""

    @click.command("list")
    @list_options
    @with_help(f"List {kind.words}s, newest first.\n\n\b\nExample:\n  stigmer {kind.word} list -o wide\n")
    def command(
        output: Output, limit: int, labels: tuple[tuple[str, str], ...], text: str, oldest: bool, watch: bool
    ) -> int:
        return show_list(kind, Asked(limit, dict(labels), (), text, oldest), output, watch=watch)

    return command


def get_command(kind: Kind, example: str) -> click.Command:
    """`get`."""

    @click.command("get")
    @click.argument("name", shell_complete=completer(kind))
    @click.option("-o", "--output", type=OutputForm(), default="yaml", show_default=True, help="How to print it.")
    @with_help(f"Show the {kind.words} called NAME.\n\n\b\nExample:\n  stigmer {kind.word} get {example}\n")
    def command(name: str, output: Output) -> int:
        return show_one(kind, name, output)

    return command


def delete_command(kind: Kind, example: str) -> click.Command:
    """`delete`."""

    @click.command("delete")
    @click.argument("name", shell_complete=completer(kind))
    @click.option("--force", is_flag=True, help="What others made on it goes with it.")
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    @click.option("--dry-run", is_flag=True, help="Tell what would go, and what holds it; delete nothing.")
    @with_help(
        f"Delete the {kind.words} called NAME, and what goes along with it.\n\n\b\nExample:\n  stigmer {kind.word} delete {example} --yes\n"
    )
    def command(name: str, force: bool, yes: bool, dry_run: bool) -> int:
        return delete_one(kind, name, force=force, yes=yes, dry_run=dry_run)

    return command
