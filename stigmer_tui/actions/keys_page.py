"""`docs/keys.md`: made by `python -m stigmer_tui.actions.keys_page > docs/keys.md`, and kept up to date by a test."""

import sys

from stigmer_tui.actions.keys import key_name
from stigmer_tui.actions.registry import Action, Scope, actions_of

_HEAD = """# Keys

This page is made from the registry of actions (`stigmer_tui/actions/registry.py`); the help in the app (`?`) and the palette (`ctrl+p`) show the same.
An action's id is stable: a keymap names it.

While you write, letters are letters. `esc` goes to the list or the output, where they are keys. `esc` never stops a run.
The composer also knows the usual keys of editing (`ctrl+left`, `home`, `ctrl+k`, `ctrl+z`, ...).

While you are attached to a terminal, every key goes to the program that runs there. `Ctrl+]` then `d` comes back, `Ctrl+]` twice sends one `Ctrl+]`.
"""


def keys_page() -> str:
    """The page, in Markdown."""
    parts = [_HEAD]
    for scope in Scope:
        rows = "\n".join(_row(action) for action in actions_of(scope))
        parts.append(f"\n## {scope.value}\n\n| keys | action | what it does | id |\n|---|---|---|---|\n{rows}\n")
    return "".join(parts)


def _row(action: Action) -> str:
    keys = ", ".join(f"`{key_name(key)}`" for key in action.keys)
    return f"| {keys} | {action.title} | {action.help} | `{action.id}` |"


if __name__ == "__main__":
    sys.stdout.write(keys_page())
