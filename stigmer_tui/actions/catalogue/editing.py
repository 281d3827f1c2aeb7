"""Actions where one edits a resource."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("editing.save", "Save", "Store it, where nothing is wrong and nobody else changed it meanwhile.", ("alt+s", "ctrl+o"), Scope.EDITING, "do('save')", 1),
    Action("editing.next", "Next problem", "Go to the next thing that is wrong.", ("alt+n",), Scope.EDITING, "do('next')", 2),
    Action("editing.previous", "Problem before", "Go to the thing before that is wrong.", ("alt+p",), Scope.EDITING, "do('previous')"),
    Action("editing.offer", "Offer", "Show what can be written here: fields, their values, names of what is stored.", ("alt+o", "ctrl+@", "ctrl+space"), Scope.EDITING, "offer", 3),
    Action("editing.complete", "Complete", "Write what is chosen of what is offered.", ("tab", "enter"), Scope.EDITING, "take", 0, False),
    Action("editing.offer_above", "Offer above", "Choose the one above of what is offered.", ("up",), Scope.EDITING, "choose(-1)", 0, False),
    Action("editing.offer_below", "Offer below", "Choose the one below of what is offered.", ("down",), Scope.EDITING, "choose(1)", 0, False),
    Action("editing.undo", "Undo", "Take back what was written last.", ("ctrl+z", "alt+u"), Scope.EDITING, "undo", 4),
    Action("editing.redo", "Redo", "Write again what was taken back.", ("ctrl+y", "alt+r"), Scope.EDITING, "redo"),
    Action("editing.first", "Beginning", "Go to the beginning of the text.", ("ctrl+home",), Scope.EDITING, "edge(-1)", 0, False),
    Action("editing.last", "End", "Go to the end of the text.", ("ctrl+end",), Scope.EDITING, "edge(1)", 0, False),
    Action("editing.editor", "Editor", "Go on in $EDITOR; what is saved there stands here.", ("ctrl+g", "alt+e"), Scope.EDITING, "do('editor')", 5),
    Action("editing.leave", "Back", "Take away what is offered; else go back. What is not saved is lost: then press it twice.", ("escape",), Scope.EDITING, "leave", 6),
)  # fmt: skip
"""In the order of the help."""
