"""Actions on the list of runs."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("board.open", "Open", "Open the selected run.", ("enter", "l", "right"), Scope.TABLE, "open", 1),
    Action("board.compose", "Write", "Go to where one types a command line.", ("i", "c", "tab"), Scope.TABLE, "compose_line", 2, False),
    Action("board.filter", "Filter", "Show only runs that contain a text; `phase:failed`, `agent:NAME`, `session:ID` and `needs:me` narrow it further.", ("slash",), Scope.TABLE, "filter", 3),
    Action("board.clear_filter", "All runs", "Take the filter away.", ("escape",), Scope.TABLE, "clear_filter"),
    Action("board.cancel", "Stop run", "Stop the selected run and everything that it started; press it twice.", ("x",), Scope.TABLE, "cancel", 4),
    Action("board.attention", "Next waiting", "Select the next run that waits for a person.", ("a",), Scope.TABLE, "next_attention"),
    Action("board.copy_id", "Copy id", "Copy the id of the selected run.", ("y",), Scope.TABLE, "copy_id"),
    Action("board.up", "Up", "Select the run above.", ("k", "up"), Scope.TABLE, "move(-1)", 0, False),
    Action("board.down", "Down", "Select the run below.", ("j", "down"), Scope.TABLE, "move(1)", 0, False),
    Action("board.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.TABLE, "page(-1)", 0, False),
    Action("board.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.TABLE, "page(1)", 0, False),
    Action("board.newest", "Newest", "Go to the newest run.", ("g", "home"), Scope.TABLE, "edge(-1)", 0, False),
    Action("board.oldest", "Oldest", "Go to the oldest run.", ("G", "end"), Scope.TABLE, "edge(1)", 0, False),
    Action("board.quit", "Quit", "Leave the workstation. Everything that runs goes on.", ("q",), Scope.TABLE, "leave", 0, False),
)  # fmt: skip
"""In the order of the help."""
