"""Actions in the help."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("help.run", "Do it", "Close the help and do what the line says.", ("enter",), Scope.HELP, "run", 2, False),
    Action("help.close", "Close", "Close the help.", ("escape", "q", "question_mark", "f1"), Scope.HELP, "close", 1, False),
    Action("help.up", "Up", "Go to the action above.", ("k", "up"), Scope.HELP, "move(-1)", 0, False),
    Action("help.down", "Down", "Go to the action below.", ("j", "down"), Scope.HELP, "move(1)", 0, False),
    Action("help.page_up", "Page up", "Scroll up by a screen.", ("pageup", "ctrl+u"), Scope.HELP, "page(-1)", 0, False),
    Action("help.page_down", "Page down", "Scroll down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.HELP, "page(1)", 0, False),
)  # fmt: skip
"""In the order of the help."""
