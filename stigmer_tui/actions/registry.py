"""Every action: its id, which is stable and by which it is remapped, what it is called, what it does, its keys, and where it works.

No key of a terminal multiplexer or an IDE is the only way to anything: `ctrl+b`, `ctrl+a`, `ctrl+s`, `ctrl+j` are not used at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

RESERVED_KEYS = frozenset({"ctrl+a", "ctrl+b", "ctrl+j", "ctrl+s"})
"""Keys that tmux, screen, flow control or an IDE's terminal take: no action may have only these."""


class Scope(Enum):
    """Where an action works; its value is the heading in the help."""

    APP = "Everywhere"
    TABLE = "List of runs"
    RUN = "Run"
    LINES = "Output and transcript"
    OUTPUT = "Output"
    COMPOSER = "Composer"
    PROMPT = "Filter and search line"
    APPROVAL = "Decision"
    LIBRARY = "Library"
    DOCUMENT = "A resource, whole"
    HELP = "Help"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a person can do."""

    id: str
    """Stable: configuration names it. `<area>.<verb>`."""
    title: str
    """One to three words, for the footer and the palette."""
    help: str
    """A sentence."""
    keys: tuple[str, ...]
    """Default keys, as Textual names them, the one to show first."""
    scope: Scope
    handler: str
    """Name of the method `action_<handler>` of the widget or screen that the scope belongs to, with arguments where it takes any."""
    footer: int = 0
    """Place in the footer, from 1; 0 keeps it out."""
    in_palette: bool = True
    """Whether the palette offers it."""


ACTIONS: tuple[Action, ...] = (
    Action("app.palette", "Actions", "Find an action by its name and run it.", ("ctrl+p",), Scope.APP, "command_palette", 90, False),
    Action("app.help", "Help", "Show what every key does here; inside, the same key closes it.", ("question_mark", "f1"), Scope.APP, "help", 91),
    Action("app.library", "Library", "Browse agents, workflows, skills, MCP servers, environments and sessions; read, edit, run, delete them.", ("f8", "alt+l"), Scope.APP, "library", 0),
    Action("app.theme", "Light or dark", "Change between the dark and the light look.", ("f2",), Scope.APP, "toggle_look"),
    Action("app.redraw", "Draw anew", "Draw the screen anew, where something else wrote to the terminal.", ("ctrl+l",), Scope.APP, "redraw"),
    Action("app.suspend", "To the shell", "Stop the workstation as ctrl+z does, until `fg`; what runs goes on. While you write, the key is undo.", ("ctrl+z",), Scope.APP, "suspend_process"),
    Action("app.quit", "Quit", "Leave the workstation. Everything that runs goes on.", ("ctrl+q",), Scope.APP, "quit", 92),
    Action("app.how_to_leave", "How to leave", "Say how to leave: ctrl+c does not, so that nobody leaves by habit.", ("ctrl+c",), Scope.APP, "how_to_leave", 0, False),
    Action("board.open", "Open", "Open the selected run.", ("enter", "l", "right"), Scope.TABLE, "open", 1),
    Action("board.compose", "Write", "Go to where one types a command line.", ("i", "c", "tab"), Scope.TABLE, "compose_line", 2, False),
    Action("board.filter", "Filter", "Show only runs that contain a text; `phase:failed`, `agent:NAME`, `session:ID` and `needs:me` narrow it further.", ("slash",), Scope.TABLE, "filter", 3),
    Action("board.clear_filter", "All runs", "Take the filter away.", ("escape",), Scope.TABLE, "clear_filter"),
    Action("board.cancel", "Stop run", "Stop the selected run and everything that it started; press it twice.", ("x",), Scope.TABLE, "cancel", 4),
    Action("board.attention", "Next waiting", "Select the next run that waits for a person.", ("a",), Scope.TABLE, "next_attention"),
    Action("board.copy_id", "Copy id", "Copy the id of the selected run.", ("y",), Scope.TABLE, "copy_id"),
    Action("board.up", "Up", "Select the run above.", ("k", "up"), Scope.TABLE, "move(-1)", 0, False),
    Action("board.down", "Down", "Select the run below.", ("j", "down"), Scope.TABLE, "move(1)", 0, False),
    Action("board.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.TABLE, "page(-1)", 0, False),
    Action("board.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.TABLE, "page(1)", 0, False),
    Action("board.newest", "Newest", "Go to the newest run.", ("g", "home"), Scope.TABLE, "edge(-1)", 0, False),
    Action("board.oldest", "Oldest", "Go to the oldest run.", ("G", "end"), Scope.TABLE, "edge(1)", 0, False),
    Action("board.quit", "Quit", "Leave the workstation. Everything that runs goes on.", ("q",), Scope.TABLE, "leave", 0, False),
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
    Action("approval.once", "Allow once", "Let this one tool call run, exactly as it is shown.", ("o",), Scope.APPROVAL, "decide('once')", 0, False),
    Action("approval.session", "Allow for the session", "Let this tool call run, and the same again in this session.", ("s",), Scope.APPROVAL, "decide('session')", 0, False),
    Action("approval.prefix", "Allow what begins so", "Let this command run, and from here on every one that begins with the words that the card names.", ("p",), Scope.APPROVAL, "decide('prefix')", 0, False),
    Action("approval.deny", "Deny", "Do not let it run; the agent is told.", ("d",), Scope.APPROVAL, "decide('deny')", 0, False),
    Action("approval.deny_with_reason", "Deny with a reason", "Do not let it run, and write why: the agent reads it.", ("r",), Scope.APPROVAL, "decide('deny_reason')", 0, False),
    Action("approval.edit", "Edit", "Change the command or the arguments, and let that run once.", ("e",), Scope.APPROVAL, "decide('edit')", 0, False),
    Action("approval.next", "Next", "Look at the next call that waits.", ("n", "tab"), Scope.APPROVAL, "decide('next')", 7, False),
    Action("approval.pager", "Pager", "Open the whole text in $PAGER.", ("v",), Scope.APPROVAL, "decide('pager')", 0, False),
    Action("approval.up", "Up", "Scroll up.", ("k", "up"), Scope.APPROVAL, "move(-1)", 0, False),
    Action("approval.down", "Down", "Scroll down.", ("j", "down"), Scope.APPROVAL, "move(1)", 0, False),
    Action("approval.page_up", "Page up", "Scroll up by a screen.", ("pageup", "ctrl+u"), Scope.APPROVAL, "page(-1)", 0, False),
    Action("approval.page_down", "Page down", "Scroll down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.APPROVAL, "page(1)", 0, False),
    Action("approval.leave", "Later", "Go back without deciding; the agent goes on waiting.", ("escape", "q"), Scope.APPROVAL, "decide('leave')", 8, False),
    Action("composer.submit", "Run", "Run what is written; while a run is open and goes on, it queues. With nothing written, attach to what runs.", ("enter",), Scope.COMPOSER, "submit", 1, False),
    Action("composer.newline", "New line", "Begin another line. A backslash at the end and enter does the same.", ("alt+enter", "ctrl+o", "shift+enter", "ctrl+j"), Scope.COMPOSER, "newline", 2, False),
    Action("composer.leave", "Browse", "Go to the list or the output; what is written stays.", ("escape",), Scope.COMPOSER, "leave", 3, False),
    Action("composer.older", "Older line", "Take the line before from the history; in the first row.", ("up", "ctrl+up"), Scope.COMPOSER, "older", 4, False),
    Action("composer.newer", "Newer line", "Take the next line from the history; in the last row.", ("down", "ctrl+down"), Scope.COMPOSER, "newer", 0, False),
    Action("composer.clear", "Clear", "Take away what is written; with a selection, copy it; with neither, ask to stop the run.", ("ctrl+c",), Scope.COMPOSER, "clear_or_copy", 0, False),
    Action("composer.agent", "Agent", "Choose the agent that the next run is started with.", ("f5", "alt+g"), Scope.COMPOSER, "agent"),
    Action("composer.workspace", "Workspace", "Choose the directory that new sessions work in.", ("f3", "alt+w"), Scope.COMPOSER, "workspace"),
    Action("prompt.accept", "Accept", "Take what is written and go back.", ("enter",), Scope.PROMPT, "accept", 1, False),
    Action("prompt.abandon", "Leave", "Go back as it was.", ("escape",), Scope.PROMPT, "abandon", 2, False),
    Action("library.open", "Read", "Show the whole of what is selected.", ("enter", "l", "right"), Scope.LIBRARY, "do('open')", 1),
    Action("library.next_kind", "Next kind", "Go to the next kind of resource.", ("tab", "right_square_bracket"), Scope.LIBRARY, "do('next_kind')", 2),
    Action("library.previous_kind", "Kind before", "Go to the kind of resource before.", ("shift+tab", "left_square_bracket"), Scope.LIBRARY, "do('previous_kind')"),
    Action("library.filter", "Filter", "Show only what contains a text.", ("slash",), Scope.LIBRARY, "do('filter')", 3),
    Action("library.run", "Run", "Start the next run with the selected agent: go to where one writes to it.", ("r",), Scope.LIBRARY, "do('run')", 4),
    Action("library.edit", "Edit", "Edit what is selected in $EDITOR; it is checked before it is stored.", ("e",), Scope.LIBRARY, "do('edit')", 5),
    Action("library.delete", "Delete", "Delete what is selected; press it twice. The first press says what goes with it.", ("d",), Scope.LIBRARY, "do('delete')", 6),
    Action("library.copy", "Copy id", "Copy the id of what is selected.", ("y",), Scope.LIBRARY, "do('copy')"),
    Action("library.up", "Up", "Select the one above.", ("k", "up"), Scope.LIBRARY, "move(-1)", 0, False),
    Action("library.down", "Down", "Select the one below.", ("j", "down"), Scope.LIBRARY, "move(1)", 0, False),
    Action("library.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.LIBRARY, "page(-1)", 0, False),
    Action("library.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.LIBRARY, "page(1)", 0, False),
    Action("library.first", "First", "Go to the first one.", ("g", "home"), Scope.LIBRARY, "edge(-1)", 0, False),
    Action("library.last", "Last", "Go to the last one that was fetched.", ("G", "end"), Scope.LIBRARY, "edge(1)", 0, False),
    Action("library.leave", "Back", "Take the filter away; without one, go back.", ("escape", "q"), Scope.LIBRARY, "do('leave')", 7),
    Action("document.close", "Back", "Go back to the list.", ("escape", "q", "h", "left"), Scope.DOCUMENT, "do('close')", 1),
    Action("document.edit", "Edit", "Edit it in $EDITOR; it is checked before it is stored.", ("e",), Scope.DOCUMENT, "do('edit')", 2, False),
    Action("document.copy", "Copy all", "Copy the whole text.", ("y",), Scope.DOCUMENT, "do('copy_all')", 3),
    Action("document.pager", "Pager", "Open the whole text in $PAGER.", ("v",), Scope.DOCUMENT, "do('pager')", 4),
    Action("document.up", "Up", "Move up by a row.", ("k", "up"), Scope.DOCUMENT, "move(-1)", 0, False),
    Action("document.down", "Down", "Move down by a row.", ("j", "down"), Scope.DOCUMENT, "move(1)", 0, False),
    Action("document.page_up", "Page up", "Move up by a screen.", ("pageup", "ctrl+u"), Scope.DOCUMENT, "page(-1)", 0, False),
    Action("document.page_down", "Page down", "Move down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.DOCUMENT, "page(1)", 0, False),
    Action("document.first", "Beginning", "Go to the beginning.", ("g", "home"), Scope.DOCUMENT, "edge(-1)", 0, False),
    Action("document.last", "End", "Go to the end.", ("G", "end"), Scope.DOCUMENT, "edge(1)", 0, False),
    Action("help.close", "Close", "Close the help.", ("escape", "q", "question_mark", "f1"), Scope.HELP, "close", 1, False),
    Action("help.up", "Up", "Scroll up.", ("k", "up"), Scope.HELP, "move(-1)", 0, False),
    Action("help.down", "Down", "Scroll down.", ("j", "down"), Scope.HELP, "move(1)", 0, False),
    Action("help.page_up", "Page up", "Scroll up by a screen.", ("pageup", "ctrl+u"), Scope.HELP, "page(-1)", 0, False),
    Action("help.page_down", "Page down", "Scroll down by a screen.", ("pagedown", "ctrl+d", "space"), Scope.HELP, "page(1)", 0, False),
)  # fmt: skip
"""In the order of the help."""

_BY_ID = {action.id: action for action in ACTIONS}


def action_of(action_id: str) -> Action:
    """The action with this id. KeyError where there is none."""
    return _BY_ID[action_id]


def is_action(action_id: str | None) -> bool:
    """Whether this is an action's id."""
    return action_id in _BY_ID


def actions_of(scope: Scope) -> Iterable[Action]:
    """The actions of a scope, in order."""
    return (action for action in ACTIONS if action.scope is scope)
