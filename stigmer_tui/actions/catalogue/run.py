"""Actions on a run: its output and its transcript."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("run.attach", "Attach", "Take the keyboard of the terminal that runs; Ctrl+] then d comes back.", ("enter",), Scope.LINES, "attach", 1),
    Action("run.compose", "Write", "Go to where one types a command line.", ("i", "c"), Scope.LINES, "compose_line", 2, False),
    Action("run.search", "Search", "Search the whole run for a text; capitals count only where it has some.", ("slash",), Scope.LINES, "search", 3),
    Action("run.next_match", "Next match", "Go to the next match.", ("n",), Scope.LINES, "match(1)", 4),
    Action("run.previous_match", "Match before", "Go to the match before.", ("N",), Scope.LINES, "match(-1)"),
    Action("run.clear_search", "Leave", "Take the search away; without one, go back to the board.", ("escape", "q"), Scope.LINES, "leave", 8),
    Action("run.cancel", "Stop run", "Stop the run and everything that it started; press it twice.", ("x",), Scope.LINES, "cancel", 5),
    Action("run.interrupt", "Stop run", "The same from the composer, where nothing is written.", ("ctrl+c",), Scope.RUN, "interrupt", 0, False),
    Action("run.pane", "Other pane", "Change between the output and the transcript.", ("o", "tab"), Scope.LINES, "other_pane", 6),
    Action("run.follow", "Follow", "Go to the end and follow what comes.", ("end", "G"), Scope.LINES, "follow", 7),
    Action("run.start", "Beginning", "Go to the beginning.", ("home", "g"), Scope.LINES, "beginning", 0, False),
    Action("run.up", "Up", "Move up by a line.", ("k", "up"), Scope.LINES, "move(-1)", 0, False),
    Action("run.down", "Down", "Move down by a line.", ("j", "down"), Scope.LINES, "move(1)", 0, False),
    Action("run.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.LINES, "page(-1)", 0, False),
    Action("run.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.LINES, "page(1)", 0, False),
    Action("run.left", "Left", "See what is further left in long lines.", ("h", "left"), Scope.OUTPUT, "sideways(-1)", 0, False),
    Action("run.right", "Right", "See what is further right in long lines.", ("l", "right"), Scope.OUTPUT, "sideways(1)", 0, False),
    Action("run.next_error", "Next error", "Go to the next thing that went wrong.", ("e",), Scope.LINES, "landmark('error', 1)"),
    Action("run.previous_error", "Error before", "Go to the thing before that went wrong.", ("E",), Scope.LINES, "landmark('error', -1)"),
    Action("run.next_call", "Next command", "Go to the next command or tool call.", ("t",), Scope.LINES, "landmark('call', 1)"),
    Action("run.previous_call", "Command before", "Go to the command or tool call before.", ("T",), Scope.LINES, "landmark('call', -1)"),
    Action("run.copy_line", "Copy line", "Copy the line under the cursor.", ("y",), Scope.LINES, "copy_line"),
    Action("run.copy_block", "Copy block", "Copy the whole output of the command under the cursor, or the whole message.", ("Y",), Scope.LINES, "copy_block"),
    Action("run.pager", "Pager", "Open everything in $PAGER.", ("v",), Scope.LINES, "pager"),
    Action("run.decide", "Decide", "Go to the card on which a tool call waits for your decision. Nothing but this takes a key to it.", ("f4", "alt+a"), Scope.RUN, "decide"),
    Action("run.decide_here", "Decide", "The same from the output and the transcript.", ("a",), Scope.LINES, "decide_here", 0, False),
)  # fmt: skip
"""In the order of the help."""
