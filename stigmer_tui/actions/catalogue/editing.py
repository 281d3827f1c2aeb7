"""Actions where one edits a resource."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("editing.save", "Save", "Store it, where nothing is wrong and nobody else changed it meanwhile.", ("alt+s", "ctrl+o"), Scope.EDITING, "do('save')", 1),
    Action("editing.next", "Next problem", "Go to the next thing that is wrong.", ("alt+n",), Scope.EDITING, "do('next')", 2),
    Action("editing.editor", "Editor", "Go on in $EDITOR; what is saved there stands here.", ("ctrl+g", "alt+e"), Scope.EDITING, "do('editor')", 3),
    Action("editing.leave", "Back", "Go back. What is not saved is lost: then press it twice.", ("escape",), Scope.EDITING, "do('leave')", 4),
)  # fmt: skip
"""In the order of the help."""
