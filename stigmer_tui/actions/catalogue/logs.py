"""Actions on logs."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("logs.filter", "Filter", "Show only lines with a text; also /an expression/, !not, field=value, status>=500. Several narrow each other down.", ("ampersand",), Scope.LOGS, "do('filter')", 1),
    Action("logs.unfilter", "Drop filter", "Take the last filter away.", ("backspace",), Scope.LOGS, "do('unfilter')"),
    Action("logs.context", "Context", "Show lines before and behind those that are left: none, two, five.", ("c",), Scope.LOGS, "do('context')"),
    Action("logs.search", "Search", "Search for the same forms; n and N go to the next one and the one before.", ("slash",), Scope.LOGS, "do('search')", 2),
    Action("logs.next_match", "Next match", "Go to the next match.", ("n",), Scope.LOGS, "match(1)"),
    Action("logs.previous_match", "Match before", "Go to the match before.", ("N",), Scope.LOGS, "match(-1)"),
    Action("logs.next_error", "Next error", "Go to the next line that says that something went wrong.", ("e",), Scope.LOGS, "do('next_error')", 4),
    Action("logs.previous_error", "Error before", "Go to the one before.", ("E",), Scope.LOGS, "do('previous_error')"),
    Action("logs.time", "Time", "Go to a time: 10m (so long ago), 14:03, 2026-11-21 14:03:20.", ("t",), Scope.LOGS, "do('time')", 3),
    Action("logs.mark", "Mark", "Put a mark on this line, or take it away.", ("m",), Scope.LOGS, "do('mark')"),
    Action("logs.mark_all", "Mark all", "Mark every line that the search found, without one every line that filters leave; once more takes all marks away.", ("M",), Scope.LOGS, "do('mark_all')"),
    Action("logs.next_mark", "Next mark", "Go to the next marked line.", ("apostrophe",), Scope.LOGS, "do('next_mark')"),
    Action("logs.read", "Whole line", "Show the whole line, wrapped; of JSON a field a row.", ("enter",), Scope.LOGS, "do('read')", 5),
    Action("logs.wrap", "Wrap", "Show long lines in as many rows as they need, or cut again.", ("w",), Scope.LOGS, "wrap"),
    Action("logs.columns", "Columns", "Choose fields of JSON and key=value lines that stand side by side.", ("f",), Scope.LOGS, "do('columns')"),
    Action("logs.select", "Select", "Select lines from the cursor on, or no longer; y copies them. The mouse selects any text, and copies it.", ("V",), Scope.LOGS, "select"),
    Action("logs.copy", "Copy", "Copy what is selected; else this line.", ("y",), Scope.LOGS, "copy_line"),
    Action("logs.save", "Save", "Save what is shown to a file.", ("s",), Scope.LOGS, "do('save')"),
    Action("logs.pager", "Pager", "Open what is shown, from here on, in $PAGER.", ("v",), Scope.LOGS, "do('pager')"),
    Action("logs.follow", "Follow", "Go to the end and follow what comes.", ("G", "end", "F"), Scope.LOGS, "follow", 6),
    Action("logs.first", "Beginning", "Go to the beginning.", ("g", "home"), Scope.LOGS, "beginning", 0, False),
    Action("logs.up", "Up", "Move up by a line.", ("k", "up"), Scope.LOGS, "move(-1)", 0, False),
    Action("logs.down", "Down", "Move down by a line.", ("j", "down"), Scope.LOGS, "move(1)", 0, False),
    Action("logs.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.LOGS, "page(-1)", 0, False),
    Action("logs.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d"), Scope.LOGS, "page(1)", 0, False),
    Action("logs.left", "Left", "See what is further left in long lines.", ("h", "left"), Scope.LOGS, "sideways(-1)", 0, False),
    Action("logs.right", "Right", "See what is further right in long lines.", ("l", "right"), Scope.LOGS, "sideways(1)", 0, False),
    Action("logs.leave", "Back", "Take the selection away, then the search, then the filters; without them, go back.", ("escape", "q"), Scope.LOGS, "do('leave')", 7),
)  # fmt: skip
"""In the order of the help."""
