"""What an action is: something that a person can do, known by an id that never changes.

No key of a terminal multiplexer or an IDE is the only way to anything: `ctrl+b`, `ctrl+a`, `ctrl+s`, `ctrl+j` are not used at all.
"""

from dataclasses import dataclass
from enum import Enum

RESERVED_KEYS = frozenset({"ctrl+a", "ctrl+b", "ctrl+j", "ctrl+s"})
"""Keys that tmux, screen, flow control or an IDE's terminal take: no action may have only these."""


class Scope(Enum):
    """Where an action works; its value is the heading in the help."""

    APP = "Everywhere"
    TABLE = "List of runs"
    BOARD = "Board"
    CHOICE = "Choice"
    RUN = "Run"
    LINES = "Output and transcript"
    OUTPUT = "Output"
    TRANSCRIPT = "Transcript"
    MENU = "Menu of a block"
    TIME = "Time bar"
    COMPOSER = "Composer"
    QUEUE = "Messages that wait"
    PROMPT = "Filter and search line"
    COMMAND = "Command line"
    APPROVAL = "Decision"
    LIBRARY = "Library"
    DOCUMENT = "A resource, whole"
    HISTORY = "History of a resource"
    PUSHING = "Pushing a skill"
    WORKFLOW = "Workflow"
    TASK = "A task, whole"
    FORM = "Signal or input"
    LOGS = "Logs"
    PLOTS = "Plots"
    DOCTOR = "Doctor"
    SETTINGS = "Settings"
    EDITING = "Editing a resource"
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
    leader: str = ""
    """Keys behind the leader key that lead to it, as they are written: `l`, `tn`. Empty: those of its place come behind `m` by their own key."""
