"""Actions on the terminal of a run. While somebody is attached there are none: every key is the program's, until the chord."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("terminal.attach_whole", "Attach all", "Give the whole terminal to the program that runs, in place of the app; Ctrl+] then d comes back.", ("f9", "alt+u"), Scope.RUN, "attach_whole"),
)  # fmt: skip
"""In the order of the help."""
