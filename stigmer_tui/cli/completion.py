"""`stigmer completion`: what a shell has to run so that it completes our commands."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

VARIABLE = "_STIGMER_COMPLETE"
SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
def command(shell: str) -> int:
    """Print what SHELL has to run to complete commands, kinds, names and ids.

    Names and ids are those of a daemon that runs; completing starts none. For good, in bash: put `source <(stigmer completion bash)` into ~/.bashrc; in
    zsh the same with zsh into ~/.zshrc; in fish `stigmer completion fish > ~/.config/fish/completions/stigmer.fish`.

    \b
    Example:
      stigmer completion bash
    """
    root = click.get_current_context().find_root().command
    script = SHELLS[shell](root, {}, "stigmer", VARIABLE)
    click.echo(script.source_template % script.source_vars())
    return 0
