"""Actions on the time bar: any moment of a run, and playing it again."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("run.time", "Time bar", "Go back to any moment of this run, and play it again: what was known, and the terminal as it stood.", ("ctrl+t",), Scope.RUN, "time"),
    Action("time.play", "Play", "Play from here, or stop.", ("space",), Scope.TIME, "do('play')", 1),
    Action("time.back", "Back", "Back by a step of the bar.", ("left", "h"), Scope.TIME, "step(-1)", 2, False),
    Action("time.forward", "Forward", "Forward by a step of the bar.", ("right", "l"), Scope.TIME, "step(1)", 3, False),
    Action("time.previous", "Event before", "Back to the moment before at which something came.", ("comma",), Scope.TIME, "event(-1)"),
    Action("time.next", "Next event", "Forward to the next moment at which something came.", ("full_stop",), Scope.TIME, "event(1)"),
    Action("time.slower", "Slower", "Play at half the speed, down to 1x.", ("minus",), Scope.TIME, "speed(-1)"),
    Action("time.faster", "Faster", "Play faster, up to 100x.", ("plus", "equals_sign"), Scope.TIME, "speed(1)", 5),
    Action("time.skip_idle", "Skip idle", "Pass over the time in which nothing came, or no longer.", ("s",), Scope.TIME, "do('skip')", 6),
    Action("time.first", "Beginning", "To the beginning.", ("home", "g"), Scope.TIME, "do('first')"),
    Action("time.last", "End", "To the end; of a run that goes on, to now, and on with it.", ("end", "G"), Scope.TIME, "do('last')"),
    Action("time.next_error", "Next error", "To the next thing that went wrong.", ("e",), Scope.TIME, "mark('error', 1)", 4),
    Action("time.previous_error", "Error before", "To the thing before that went wrong.", ("E",), Scope.TIME, "mark('error', -1)"),
    Action("time.next_call", "Next call", "To the next tool call.", ("t",), Scope.TIME, "mark('call', 1)"),
    Action("time.previous_call", "Call before", "To the tool call before.", ("T",), Scope.TIME, "mark('call', -1)"),
    Action("time.next_approval", "Next approval", "To the next question whether something may run.", ("a",), Scope.TIME, "mark('approval', 1)"),
    Action("time.previous_approval", "Approval before", "To the question before.", ("A",), Scope.TIME, "mark('approval', -1)"),
    Action("time.next_message", "Next message", "To the next message.", ("m",), Scope.TIME, "mark('message', 1)"),
    Action("time.previous_message", "Message before", "To the message before.", ("M",), Scope.TIME, "mark('message', -1)"),
    Action("time.pane", "Other pane", "Change between the terminal and the transcript, where both have no room.", ("o", "tab"), Scope.TIME, "do('pane')", 7),
    Action("time.up", "Up", "Scroll the transcript up.", ("k", "up"), Scope.TIME, "scroll(-1)", 0, False),
    Action("time.down", "Down", "Scroll the transcript down.", ("j", "down"), Scope.TIME, "scroll(1)", 0, False),
    Action("time.page_up", "Page up", "Scroll the transcript up by a screen.", ("pageup", "ctrl+u"), Scope.TIME, "scroll(-20)", 0, False),
    Action("time.page_down", "Page down", "Scroll the transcript down by a screen.", ("pagedown", "ctrl+d"), Scope.TIME, "scroll(20)", 0, False),
    Action("time.leave", "Now", "Leave the time bar: back to the run as it stands.", ("escape", "q", "ctrl+t"), Scope.TIME, "do('leave')", 8, False),
)  # fmt: skip
"""In the order of the help."""
