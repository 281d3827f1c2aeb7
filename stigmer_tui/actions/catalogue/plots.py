"""Actions in the plots."""

from stigmer_tui.actions.action import Action, Scope

ACTIONS: tuple[Action, ...] = (
    Action("plots.next", "Next", "Plot the next number: runs, tokens, cost, duration, failures, tools.", ("tab", "right_square_bracket", "right", "l"), Scope.PLOTS, "do('next')", 1),
    Action("plots.previous", "Before", "Plot the number before.", ("shift+tab", "left_square_bracket", "left", "h"), Scope.PLOTS, "do('previous')"),
    Action("plots.longer", "Longer", "Look further back: an hour, a day, a week, a month, ever.", ("plus", "p"), Scope.PLOTS, "do('longer')", 2),
    Action("plots.shorter", "Shorter", "Look less far back.", ("minus", "P"), Scope.PLOTS, "do('shorter')", 3),
    Action("plots.numbers", "Numbers", "Show the exact numbers of each piece of time, or the chart again.", ("t",), Scope.PLOTS, "do('numbers')", 4),
    Action("plots.narrow", "Only this", "Plot only the selected agent.", ("enter",), Scope.PLOTS, "do('narrow')", 5),
    Action("plots.copy", "Copy", "Copy the exact numbers, columns apart by tabs.", ("y",), Scope.PLOTS, "do('copy')"),
    Action("plots.refresh", "Ask again", "Ask the server again; it is asked every half minute too.", ("r",), Scope.PLOTS, "do('refresh')"),
    Action("plots.up", "Up", "Select the one above.", ("k", "up"), Scope.PLOTS, "move(-1)", 0, False),
    Action("plots.down", "Down", "Select the one below.", ("j", "down"), Scope.PLOTS, "move(1)", 0, False),
    Action("plots.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.PLOTS, "page(-1)", 0, False),
    Action("plots.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d"), Scope.PLOTS, "page(1)", 0, False),
    Action("plots.first", "First", "Go to the first row.", ("g", "home"), Scope.PLOTS, "edge(-1)", 0, False),
    Action("plots.last", "Last", "Go to the last row.", ("G", "end"), Scope.PLOTS, "edge(1)", 0, False),
    Action("plots.leave", "Back", "Plot all agents again; where all are plotted, go back.", ("escape", "q"), Scope.PLOTS, "do('leave')", 6),
)  # fmt: skip
"""In the order of the help."""
