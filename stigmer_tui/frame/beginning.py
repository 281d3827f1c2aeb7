"""`:` commands that help somebody begin: a key, a model on this machine, a demonstration. Each is a `stigmer` command that gets the terminal."""

from collections.abc import Sequence

from stigmer_apis.ollama import SUGGESTED
from stigmer_apis.providers import KEYED_PROVIDERS
from stigmer_tui.actions.places import CommandRefused
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.workstation import Workstation


def key(app: Workstation, words: Sequence[str]) -> None:
    """Ask for a provider's key and keep it sealed."""
    if len(words) != 1 or words[0] not in KEYED_PROVIDERS:
        raise CommandRefused(f"Name whose key it is: `:key {'` or `:key '.join(KEYED_PROVIDERS)}`.")
    _give_terminal(app, "secrets", "provider", "set", words[0])


def pull(app: Workstation, words: Sequence[str]) -> None:
    """Get a model for this machine's Ollama."""
    if len(words) != 1:
        raise CommandRefused(f"Name a model, such as `:pull {SUGGESTED[0]}`.")
    _give_terminal(app, "models", "pull", words[0])


def demo(app: Workstation, words: Sequence[str]) -> None:
    """An agent at work, on a script."""
    if words:
        raise CommandRefused("`:demo` takes no words behind it.")
    _give_terminal(app, "demo")


def _give_terminal(app: Workstation, *words: str) -> None:
    async def work() -> None:
        await app.run_command(*words)
        if isinstance(app.screen, BoardScreen):
            app.screen.workspace_changed()

    app.run_worker(work)
