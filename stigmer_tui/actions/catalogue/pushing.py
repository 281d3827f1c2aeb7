"""Actions where one pushes a skill."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("pushing.push", "Push", "Take what is chosen of what is offered; with nothing offered, push what is shown.", ("enter",), Scope.PUSHING, "push", 1),
    Action("pushing.complete", "Complete", "Take what is chosen of what is offered; with nothing offered, go between the folder and the tag.", ("tab",), Scope.PUSHING, "complete", 2, False),
    Action("pushing.up", "Up", "Choose the one above; else move up in the list of files.", ("up",), Scope.PUSHING, "move(-1)", 0, False),
    Action("pushing.down", "Down", "Choose the one below; else move down in the list of files.", ("down",), Scope.PUSHING, "move(1)", 0, False),
    Action("pushing.page_up", "Page up", "Move up by a screen in the list of files.", ("pageup",), Scope.PUSHING, "move(-10)", 0, False),
    Action("pushing.page_down", "Page down", "Move down by a screen in the list of files.", ("pagedown",), Scope.PUSHING, "move(10)", 0, False),
    Action("pushing.leave", "Back", "Take away what is offered; else go back. Nothing is pushed.", ("escape",), Scope.PUSHING, "leave", 3),
)  # fmt: skip
"""In the order of the help."""
