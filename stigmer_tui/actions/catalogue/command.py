"""Actions in the line for `:` commands."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("command.run", "Go", "Do what is written.", ("enter",), Scope.COMMAND, "accept", 1, False),
    Action("command.complete", "Complete", "Take the completion that is marked.", ("tab",), Scope.COMMAND, "complete", 2, False),
    Action("command.previous", "Above", "Mark the completion above; with nothing written, take the command before from the history.", ("up", "shift+tab"), Scope.COMMAND, "mark(-1)", 3, False),
    Action("command.next", "Below", "Mark the completion below; among commands of the past, the next one.", ("down",), Scope.COMMAND, "mark(1)", 4, False),
    Action("command.leave", "Leave", "Go back as it was.", ("escape", "ctrl+c"), Scope.COMMAND, "abandon", 5, False),
)  # fmt: skip
"""In the order of the help."""
