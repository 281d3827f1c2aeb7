"""Actions in the settings."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("settings.edit", "Change", "Write another value; it is checked while you write. A credential is asked for unseen and goes to the keyring.", ("enter", "e"), Scope.SETTINGS, "do('edit')", 1),
    Action("settings.next_value", "Next value", "Take the next value, where there are a few to choose from.", ("l", "right"), Scope.SETTINGS, "do('next_value')", 2),
    Action("settings.previous_value", "Value before", "Take the value before.", ("h", "left"), Scope.SETTINGS, "do('previous_value')"),
    Action("settings.unset", "Take out", "Take it out of the file: it is as if nobody had said anything.", ("d",), Scope.SETTINGS, "do('unset')", 3),
    Action("settings.undo", "Undo", "Take the last change of the file back.", ("u",), Scope.SETTINGS, "do('undo')", 4),
    Action("settings.filter", "Filter", "Show only what contains some words.", ("slash",), Scope.SETTINGS, "do('filter')", 5),
    Action("settings.changed", "Changed", "Show only what differs from the default, or everything again.", ("c",), Scope.SETTINGS, "do('changed')", 7),
    Action("settings.next_page", "Settings or keys", "Go from the settings to the keys of every action, and back.", ("tab", "shift+tab", "right_square_bracket", "left_square_bracket"), Scope.SETTINGS, "do('next_page')", 6),
    Action("settings.file", "Whole file", "Open config.yaml in $EDITOR; it is written only where it is understood.", ("ctrl+g",), Scope.SETTINGS, "do('file')"),
    Action("settings.copy", "Copy", "Copy the command that sets the same.", ("y",), Scope.SETTINGS, "do('copy')"),
    Action("settings.up", "Up", "Go to the one above.", ("k", "up"), Scope.SETTINGS, "move(-1)", 0, False),
    Action("settings.down", "Down", "Go to the one below.", ("j", "down"), Scope.SETTINGS, "move(1)", 0, False),
    Action("settings.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.SETTINGS, "page(-1)", 0, False),
    Action("settings.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d"), Scope.SETTINGS, "page(1)", 0, False),
    Action("settings.first", "First", "Go to the first one.", ("g", "home"), Scope.SETTINGS, "edge(-1)", 0, False),
    Action("settings.last", "Last", "Go to the last one.", ("G", "end"), Scope.SETTINGS, "edge(1)", 0, False),
    Action("settings.leave", "Back", "Take the filter away; without one, go back.", ("escape", "q"), Scope.SETTINGS, "do('leave')", 8),
)  # fmt: skip
"""In the order of the help."""
