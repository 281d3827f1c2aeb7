"""Actions in the doctor."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("doctor.again", "Look again", "Run every check again.", ("r", "enter"), Scope.DOCTOR, "do('again')", 1),
    Action("doctor.copy", "Copy", "Copy how to mend what is selected.", ("y",), Scope.DOCTOR, "do('copy')", 2),
    Action("doctor.copy_all", "Copy all", "Copy everything that was found, for a report.", ("Y",), Scope.DOCTOR, "do('copy_all')", 3),
    Action("doctor.up", "Up", "Move up by a row.", ("k", "up"), Scope.DOCTOR, "move(-1)", 0, False),
    Action("doctor.down", "Down", "Move down by a row.", ("j", "down"), Scope.DOCTOR, "move(1)", 0, False),
    Action("doctor.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.DOCTOR, "page(-1)", 0, False),
    Action("doctor.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d"), Scope.DOCTOR, "page(1)", 0, False),
    Action("doctor.first", "First", "Go to the beginning.", ("g", "home"), Scope.DOCTOR, "edge(-1)", 0, False),
    Action("doctor.last", "Last", "Go to the end.", ("G", "end"), Scope.DOCTOR, "edge(1)", 0, False),
    Action("doctor.leave", "Back", "Go back.", ("escape", "q"), Scope.DOCTOR, "do('leave')", 4),
)  # fmt: skip
"""In the order of the help."""
