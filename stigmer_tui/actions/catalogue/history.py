"""Actions in the history of a resource."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("history.compare", "Compare", "Show what the version changed, or what has changed since then.", ("c", "tab"), Scope.HISTORY, "do('compare')", 1),
    Action("history.restore", "Restore", "Make the selected version the newest again; those after it stay in the history.", ("r",), Scope.HISTORY, "do('restore')", 2),
    Action("history.undo", "Undo", "Take back what was restored here: the version that was the newest before is it again.", ("u",), Scope.HISTORY, "do('undo')", 3),
    Action("history.copy", "Copy", "Copy the whole of the version, as it can be applied.", ("y",), Scope.HISTORY, "do('copy')", 4),
    Action("history.pager", "Pager", "Open the whole of the version in $PAGER.", ("v",), Scope.HISTORY, "do('pager')", 5),
    Action("history.less", "Differences up", "Move up in what is different.", ("pageup", "ctrl+u", "K"), Scope.HISTORY, "do('less')", 0, False),
    Action("history.more", "Differences down", "Move down in what is different.", ("pagedown", "ctrl+d", "J", "space"), Scope.HISTORY, "do('more')", 0, False),
    Action("history.up", "Up", "Select the version above, which is newer.", ("k", "up"), Scope.HISTORY, "move(-1)", 0, False),
    Action("history.down", "Down", "Select the version below, which is older.", ("j", "down"), Scope.HISTORY, "move(1)", 0, False),
    Action("history.first", "Newest", "Go to the newest version.", ("g", "home"), Scope.HISTORY, "edge(-1)", 0, False),
    Action("history.last", "Oldest", "Go to the oldest version that was fetched.", ("G", "end"), Scope.HISTORY, "edge(1)", 0, False),
    Action("history.leave", "Back", "Go back.", ("escape", "q", "h", "left"), Scope.HISTORY, "do('leave')", 6),
)  # fmt: skip
"""In the order of the help."""
