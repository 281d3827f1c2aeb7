"""Actions that work everywhere."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("app.palette", "Actions", "Find an action by its name and run it.", ("ctrl+p",), Scope.APP, "command_palette", 90, False),
    Action("app.help", "Help", "Show what every key does here; inside, the same key closes it.", ("question_mark", "f1"), Scope.APP, "help", 91),
    Action("app.library", "Library", "Browse agents, workflows, skills, MCP servers, environments and sessions; read, edit, run, delete them.", ("f8", "alt+l"), Scope.APP, "library", 0),
    Action("app.theme", "Light or dark", "Change between the dark and the light look.", ("f2",), Scope.APP, "toggle_look"),
    Action("app.redraw", "Draw anew", "Draw the screen anew, where something else wrote to the terminal.", ("ctrl+l",), Scope.APP, "redraw"),
    Action("app.suspend", "To the shell", "Stop the workstation as ctrl+z does, until `fg`; what runs goes on. While you write, the key is undo.", ("ctrl+z",), Scope.APP, "suspend_process"),
    Action("app.quit", "Quit", "Leave the workstation. Everything that runs goes on.", ("ctrl+q",), Scope.APP, "quit", 92),
    Action("app.how_to_leave", "How to leave", "Say how to leave: ctrl+c does not, so that nobody leaves by habit.", ("ctrl+c",), Scope.APP, "how_to_leave", 0, False),
)  # fmt: skip
"""In the order of the help."""
