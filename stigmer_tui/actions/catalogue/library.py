"""Actions in the library."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("library.open", "Read", "Show the whole of what is selected.", ("enter", "l", "right"), Scope.LIBRARY, "do('open')", 1),
    Action("library.next_kind", "Next kind", "Go to the next kind of resource.", ("tab", "right_square_bracket"), Scope.LIBRARY, "do('next_kind')", 2),
    Action("library.previous_kind", "Kind before", "Go to the kind of resource before.", ("shift+tab", "left_square_bracket"), Scope.LIBRARY, "do('previous_kind')"),
    Action("library.filter", "Filter", "Show only what contains a text, and behind it what has its letters in its name.", ("slash",), Scope.LIBRARY, "do('filter')", 3),
    Action("library.run", "Run", "Start the next run with the selected agent: go to where one writes to it. Of a workflow: write its input, then it runs.", ("r",), Scope.LIBRARY, "do('run')", 4),
    Action("library.graph", "Tasks", "Look at the tasks of the selected workflow, and at what is wrong in it.", ("o",), Scope.LIBRARY, "do('graph')"),
    Action("library.edit", "Edit", "Edit what is selected here, checked while you write; ctrl+g there goes on in $EDITOR.", ("e",), Scope.LIBRARY, "do('edit')", 5),
    Action("library.new", "New", "Write a new one of this kind, from a commented draft.", ("n",), Scope.LIBRARY, "do('new')", 6),
    Action("library.duplicate", "Duplicate", "Write a new one like what is selected.", ("c",), Scope.LIBRARY, "do('duplicate')"),
    Action("library.history", "History", "Show what the selected one was before: its versions, what each changed, and how to make one the newest again.", ("H",), Scope.LIBRARY, "do('history')", 7),
    Action("library.delete", "Delete", "Delete what is selected; press it twice. The first press says what goes with it; then it waits for eight seconds.", ("d",), Scope.LIBRARY, "do('delete')", 8),
    Action("library.undo", "Undo", "Keep what waits to be deleted: a delete waits for some seconds; else take back the change that was stored last.", ("u",), Scope.LIBRARY, "do('undo')"),
    Action("library.copy", "Copy id", "Copy the id of what is selected.", ("y",), Scope.LIBRARY, "do('copy')"),
    Action("library.up", "Up", "Select the one above.", ("k", "up"), Scope.LIBRARY, "move(-1)", 0, False),
    Action("library.down", "Down", "Select the one below.", ("j", "down"), Scope.LIBRARY, "move(1)", 0, False),
    Action("library.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.LIBRARY, "page(-1)", 0, False),
    Action("library.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d"), Scope.LIBRARY, "page(1)", 0, False),
    Action("library.first", "First", "Go to the first one.", ("g", "home"), Scope.LIBRARY, "edge(-1)", 0, False),
    Action("library.last", "Last", "Go to the last one that was fetched.", ("G", "end"), Scope.LIBRARY, "edge(1)", 0, False),
    Action("library.leave", "Back", "Take the filter away; without one, go back.", ("escape", "q"), Scope.LIBRARY, "do('leave')", 8),
    Action("document.close", "Back", "Go back to the list.", ("escape", "q", "h", "left"), Scope.DOCUMENT, "do('close')", 1),
    Action("document.edit", "Edit", "Edit it here, checked while you write.", ("e",), Scope.DOCUMENT, "do('edit')", 2, False),
    Action("document.history", "History", "Show what it was before.", ("H",), Scope.DOCUMENT, "do('history')", 3, False),
    Action("document.copy", "Copy all", "Copy the whole text.", ("y",), Scope.DOCUMENT, "do('copy_all')", 4),
    Action("document.pager", "Pager", "Open the whole text in $PAGER.", ("v",), Scope.DOCUMENT, "do('pager')", 5),
    Action("document.up", "Up", "Move up by a row.", ("k", "up"), Scope.DOCUMENT, "move(-1)", 0, False),
    Action("document.down", "Down", "Move down by a row.", ("j", "down"), Scope.DOCUMENT, "move(1)", 0, False),
    Action("document.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.DOCUMENT, "page(-1)", 0, False),
    Action("document.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d"), Scope.DOCUMENT, "page(1)", 0, False),
    Action("document.first", "Beginning", "Go to the beginning.", ("g", "home"), Scope.DOCUMENT, "edge(-1)", 0, False),
    Action("document.last", "End", "Go to the end.", ("G", "end"), Scope.DOCUMENT, "edge(1)", 0, False),
)  # fmt: skip
"""In the order of the help."""
