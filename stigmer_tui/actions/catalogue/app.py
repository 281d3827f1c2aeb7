"""Actions that work everywhere."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("app.palette", "Actions", "Find an action, a run, an agent or a session by some letters of its name.", ("ctrl+p",), Scope.APP, "command_palette", 90, False, "space"),
    Action("app.help", "Help", "Show what every key does here; enter on a line does it.", ("question_mark", "f1"), Scope.APP, "help", 91, True, "?"),
    Action("app.command", "Command", "Go anywhere by its name: `:runs failed`, `:agent reviewer`, `:theme dusk`; tab completes.", ("colon",), Scope.APP, "command_line", 0, True, ":"),
    Action("app.leader", "Leader", "Show where the next key leads: everything, by one or two letters.", ("space",), Scope.APP, "leader", 0, False),
    Action("app.jump", "Jump", "Show a letter on everything that one can go to; the letter goes there.", ("f", "alt+j"), Scope.APP, "jump", 0, True, "j"),
    Action("app.board", "Runs", "Go to the list of runs.", ("alt+b",), Scope.APP, "board", 0, True, "b"),
    Action("app.library", "Library", "Browse agents, workflows, skills, MCP servers, environments and sessions; read, edit, run, delete them.", ("f8", "alt+l"), Scope.APP, "library", 0, True, "l"),
    Action("app.logs", "Logs", "Read the logs of the server and the runner, merged by time. `:logs FILE` opens any other.", ("f10", "alt+o"), Scope.APP, "logs", 0, True, "o"),
    Action("app.settings", "Settings", "What is set, where it comes from, and how to change it; also the keys of every action.", ("f12", "alt+p"), Scope.APP, "settings", 0, True, "s"),
    Action("app.back", "Back", "Go back to where you were before.", ("alt+left",), Scope.APP, "back", 0, True, "h"),
    Action("app.forward", "Forward", "Go forward to where you came back from.", ("alt+right",), Scope.APP, "forward", 0, True, "k"),
    Action("app.tab_new", "New tab", "Open this place in a tab of its own; on the list, the selected run.", ("alt+t",), Scope.APP, "tab_new", 0, True, "tn"),
    Action("app.tab_next", "Next tab", "Go to the next tab.", ("alt+full_stop", "ctrl+pagedown"), Scope.APP, "tab_next(1)", 0, True, "tt"),
    Action("app.tab_previous", "Tab before", "Go to the tab before.", ("alt+comma", "ctrl+pageup"), Scope.APP, "tab_next(-1)", 0, True, "tp"),
    Action("app.tab_close", "Close tab", "Close this tab. What runs in it goes on.", ("alt+k",), Scope.APP, "tab_close", 0, True, "tx"),
    *(Action(f"app.tab_{number}", f"Tab {number}", f"Go to tab {number}.", (f"alt+{number}",), Scope.APP, f"tab_at({number})", 0, False, str(number)) for number in range(1, 10)),
    Action("app.split", "Split", "Put the next tab beside this place, where there is none the list of runs (beside the list the selected run); once more, one place alone.", ("alt+d",), Scope.APP, "split", 0, True, "v"),
    Action("app.other_place", "Other place", "Go to the place beside this one; a click on it does the same.", ("alt+i",), Scope.APP, "other_place", 0, True, "i"),
    Action("app.zoom", "Zoom", "Give the whole screen to what has the focus (of two places to the one with the keys), and give it back.", ("alt+z",), Scope.APP, "zoom", 0, True, "z"),
    Action("app.theme", "Light or dark", "Change between the dark and the light look.", ("f2",), Scope.APP, "toggle_look", 0, True, "d"),
    Action("app.themes", "Themes", "Choose how it looks, with a preview.", ("alt+y",), Scope.APP, "themes", 0, True, "y"),
    Action("app.redraw", "Draw anew", "Draw the screen anew, where something else wrote to the terminal.", ("ctrl+l",), Scope.APP, "redraw", 0, True, "r"),
    Action("app.suspend", "To the shell", "Stop the workstation as ctrl+z does, until `fg`; what runs goes on. While you write, the key is undo.", ("ctrl+z",), Scope.APP, "suspend_process"),
    Action("app.quit", "Quit", "Leave the workstation. Everything that runs goes on.", ("ctrl+q",), Scope.APP, "quit", 92, True, "q"),
    Action("app.how_to_leave", "How to leave", "Say how to leave: ctrl+c does not, so that nobody leaves by habit.", ("ctrl+c",), Scope.APP, "how_to_leave", 0, False),
)  # fmt: skip
"""In the order of the help."""
