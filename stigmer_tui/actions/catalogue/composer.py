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
    Action("composer.complete", "Complete", "Take what is offered: a file after `@`, a command after `/`, a line of the history.", ("tab",), Scope.COMPOSER, "complete", 0, False),
    Action("composer.search_history", "Search history", "Find a line that was written before: write some of its letters; the same key goes to the next one.", ("ctrl+r",), Scope.COMPOSER, "search_history"),
    Action("composer.editor", "Editor", "Write in $EDITOR; what is saved there stands here.", ("ctrl+g", "alt+e"), Scope.COMPOSER, "editor"),
    Action("composer.command", "Command", "With nothing written, write a command: go to a place, or do anything.", ("colon",), Scope.COMPOSER, "command", 0, False),
    Action("composer.take_back", "Take back", "Take the message that was queued last back, to write on at it; where none waits, the one that was withdrawn.", ("alt+up",), Scope.COMPOSER, "take_back"),
    Action("composer.queue", "Queue", "Go to the messages that wait: edit, reorder, withdraw them, send one now.", ("alt+q",), Scope.COMPOSER, "queue"),
    Action("queue.edit", "Edit", "Take the message back and write on at it.", ("e", "enter"), Scope.QUEUE, "do('edit')", 1, False),
    Action("queue.withdraw", "Withdraw", "Take the message away; u brings it back, and the history has it.", ("d", "delete"), Scope.QUEUE, "do('withdraw')", 2, False),
    Action("queue.undo", "Undo", "Bring the message that was withdrawn last back to its place.", ("u",), Scope.QUEUE, "do('undo')", 0, False),
    Action("queue.now", "Send now", "Interrupt the agent with it.", ("n",), Scope.QUEUE, "do('now')", 3, False),
    Action("queue.earlier", "Earlier", "Let it come before the one above.", ("K", "shift+up"), Scope.QUEUE, "do('earlier')", 4, False),
    Action("queue.later", "Later", "Let it come after the one below.", ("J", "shift+down"), Scope.QUEUE, "do('later')", 5, False),
    Action("queue.up", "Up", "Select the one above.", ("k", "up"), Scope.QUEUE, "move(-1)", 0, False),
    Action("queue.down", "Down", "Select the one below.", ("j", "down"), Scope.QUEUE, "move(1)", 0, False),
    Action("queue.leave", "Back", "Go back to where one writes.", ("escape", "q", "tab"), Scope.QUEUE, "do('leave')", 6, False),
    Action("prompt.accept", "Accept", "Take what is written and go back.", ("enter",), Scope.PROMPT, "accept", 1, False),
    Action("prompt.abandon", "Leave", "Go back as it was.", ("escape",), Scope.PROMPT, "abandon", 2, False),
)  # fmt: skip
"""In the order of the help."""
