"""Actions where one writes."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("composer.submit", "Run", "Run what is written; while a run is open and goes on, it queues. With nothing written, attach to what runs.", ("enter",), Scope.COMPOSER, "submit", 1, False),
    Action("composer.newline", "New line", "Begin another line. A backslash at the end and enter does the same.", ("alt+enter", "ctrl+o", "shift+enter", "ctrl+j"), Scope.COMPOSER, "newline", 2, False),
    Action("composer.leave", "Browse", "Go to the list or the output; what is written stays.", ("escape",), Scope.COMPOSER, "leave", 3, False),
    Action("composer.older", "Older line", "Take the line before from the history; in the first row.", ("up", "ctrl+up"), Scope.COMPOSER, "older", 4, False),
    Action("composer.newer", "Newer line", "Take the next line from the history; in the last row.", ("down", "ctrl+down"), Scope.COMPOSER, "newer", 0, False),
    Action("composer.clear", "Clear", "Take away what is written; with a selection, copy it; with neither, ask to stop the run.", ("ctrl+c",), Scope.COMPOSER, "clear_or_copy", 0, False),
    Action("composer.agent", "Agent", "Choose the agent that the next run is started with.", ("f5", "alt+g"), Scope.COMPOSER, "agent"),
    Action("composer.workspace", "Workspace", "Choose the directory that new sessions work in.", ("f3", "alt+w"), Scope.COMPOSER, "workspace"),
    Action("prompt.accept", "Accept", "Take what is written and go back.", ("enter",), Scope.PROMPT, "accept", 1, False),
    Action("prompt.abandon", "Leave", "Go back as it was.", ("escape",), Scope.PROMPT, "abandon", 2, False),
)  # fmt: skip
"""In the order of the help."""
