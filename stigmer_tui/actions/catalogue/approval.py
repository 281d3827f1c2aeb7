"""Actions on a call that waits for a decision."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("approval.once", "Allow once", "Let this one tool call run, exactly as it is shown.", ("o",), Scope.APPROVAL, "decide('once')", 0, False),
    Action("approval.session", "Allow for the session", "Let this tool call run, and the same again in this session.", ("s",), Scope.APPROVAL, "decide('session')", 0, False),
    Action("approval.prefix", "Allow what begins so", "Let this command run, and from here on every one that begins with the words that the card names.", ("p",), Scope.APPROVAL, "decide('prefix')", 0, False),
    Action("approval.deny", "Deny", "Do not let it run; the agent is told.", ("d",), Scope.APPROVAL, "decide('deny')", 0, False),
    Action("approval.deny_with_reason", "Deny with a reason", "Do not let it run, and write why: the agent reads it.", ("r",), Scope.APPROVAL, "decide('deny_reason')", 0, False),
    Action("approval.edit", "Edit", "Change the command or the arguments, and let that run once.", ("e",), Scope.APPROVAL, "decide('edit')", 0, False),
    Action("approval.all", "Allow all identical", "On the board: let every call that waits and would do exactly the same run once. It says how many, and asks.", ("A",), Scope.APPROVAL, "decide('all')", 0, False),
    Action("approval.confirm_all", "Yes, all", "Answer that question. It means nothing at any other time.", ("y",), Scope.APPROVAL, "decide('confirm_all')", 0, False),
    Action("approval.open", "Open run", "On the board: open the run that asks.", ("enter",), Scope.APPROVAL, "decide('open')", 0, False),
    Action("approval.next", "Next", "Go to what waits next.", ("n", "tab", "a"), Scope.APPROVAL, "decide('next')", 7, False),
    Action("approval.pager", "Pager", "Open the whole text in $PAGER.", ("v",), Scope.APPROVAL, "decide('pager')", 0, False),
    Action("approval.up", "Up", "Scroll up.", ("k", "up"), Scope.APPROVAL, "move(-1)", 0, False),
    Action("approval.down", "Down", "Scroll down.", ("j", "down"), Scope.APPROVAL, "move(1)", 0, False),
    Action("approval.page_up", "Page up", "Scroll up by a screen.", ("pageup", "ctrl+u"), Scope.APPROVAL, "page(-1)", 0, False),
    Action("approval.page_down", "Page down", "Scroll down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.APPROVAL, "page(1)", 0, False),
    Action("approval.leave", "Later", "Go back without deciding; the agent goes on waiting.", ("escape", "q"), Scope.APPROVAL, "decide('leave')", 8, False),
)  # fmt: skip
"""In the order of the help."""
