"""Places that a `:` command goes to, each known by its name. A new place is a line in `PLACES`; everything else about it is made from that.

What opens a place is named as `module:function`, imported when somebody goes there, and called with the app (a `screens.workstation.Workstation`) and the
words behind the name. It raises `CommandRefused` where they mean nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from stigmer_apis.ollama import SUGGESTED


class CommandRefused(Exception):
    """A command that means nothing here. Its text is for the person: what is wrong, and what to write instead."""


class Completes(Enum):
    """What the words behind a name are completed to, where that has to be asked for."""

    NOTHING = "nothing"
    AGENT = "agents"
    SESSION = "sessions"
    RUN = "runs"
    WORKFLOW = "workflows"
    THEME = "themes"
    VIEW = "views"
    COMMAND = "commands"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somewhere to go, or something small to do, by name."""

    name: str
    """As it is written behind the colon."""
    title: str
    """One to three words."""
    help: str
    """A sentence."""
    opens: str
    """`module:function`."""
    aliases: tuple[str, ...] = ()
    usage: str = ""
    """What may follow the name, for people: `[WORDS ...]`."""
    words: tuple[str, ...] = ()
    """Words that are offered behind the name."""
    completes: Completes = Completes.NOTHING


_OPENING = "stigmer_tui.frame.opening"

PLACES: tuple[Place, ...] = (
    Place(name="runs", title="Runs", help="Go to the list of runs; words filter it as `/` does.", opens=f"{_OPENING}:runs", aliases=("board", "home"), usage="[failed | running | waiting | done | cancelled | mine | workflows | agents | WORDS ...]", words=("failed", "running", "waiting", "done", "cancelled", "mine", "workflows", "agents", "all")),
    Place(name="view", title="View", help="Look at the list of runs as a saved view does; without a name, choose one.", opens=f"{_OPENING}:view", usage="[NAME]", completes=Completes.VIEW),
    Place(name="run", title="Run", help="Open a run by its id; by the name of a workflow, run that: its input is asked for.", opens=f"{_OPENING}:run", usage="ID | WORKFLOW", completes=Completes.RUN),
    Place(name="workflow", title="Workflow", help="Look at a stored workflow: its tasks, and what is wrong in it; `r` runs it.", opens=f"{_OPENING}:workflow", usage="NAME", completes=Completes.WORKFLOW),
    Place(name="session", title="Session", help="Open the newest run of a session.", opens=f"{_OPENING}:session", usage="ID", completes=Completes.SESSION),
    Place(name="agent", title="Agent", help="Write to an agent: the next run is started with it.", opens=f"{_OPENING}:agent", usage="NAME", completes=Completes.AGENT),
    Place(name="agents", title="Agents", help="Browse agents.", opens=f"{_OPENING}:agents", usage="[WORDS ...]", completes=Completes.AGENT),
    Place(name="workflows", title="Workflows", help="Browse workflows.", opens=f"{_OPENING}:workflows", usage="[WORDS ...]", completes=Completes.WORKFLOW),
    Place(name="skills", title="Skills", help="Browse skills.", opens=f"{_OPENING}:skills", usage="[WORDS ...]"),
    Place(name="mcp", title="MCP servers", help="Browse MCP servers.", opens=f"{_OPENING}:mcp_servers", aliases=("mcp-servers",), usage="[WORDS ...]"),
    Place(name="environments", title="Environments", help="Browse environments.", opens=f"{_OPENING}:environments", aliases=("env",), usage="[WORDS ...]"),
    Place(name="sessions", title="Sessions", help="Browse sessions.", opens=f"{_OPENING}:sessions", usage="[WORDS ...]"),
    Place(name="plots", title="Plots", help="Runs, tokens, cost, durations, failures and tools over time; words say which, how far back, and of which agent.", opens=f"{_OPENING}:plots", aliases=("stats",), usage="[MEASURE] [PERIOD] [AGENT]", words=("runs", "tokens", "cost", "duration", "failures", "tools", "hour", "day", "week", "month", "all"), completes=Completes.AGENT),
    Place(name="doctor", title="Doctor", help="What works on this machine, and how to mend what does not.", opens=f"{_OPENING}:doctor"),
    Place(name="logs", title="Logs", help="Read logs of any size: of server and runner, of a run, any file; several are merged by time.", opens="stigmer_tui.frame.logs_place:logs", aliases=("log",), usage="[server | runner | ID | FILE ...] [--since 1h]", words=("server", "runner", "--since"), completes=Completes.RUN),
    Place(name="settings", title="Settings", help="What is set, where it comes from, and how to change it; `keys` shows the keys of every action.", opens=f"{_OPENING}:settings", aliases=("config", "set"), usage="[keys] [WORDS ...]", words=("keys", "tui", "notifications", "model", "execution")),
    Place(name="theme", title="Theme", help="Choose how it looks; without a name, from a list with a preview.", opens=f"{_OPENING}:theme", usage="[NAME]", completes=Completes.THEME),
    Place(name="key", title="Provider's key", help="Store your key of a model's provider: it is asked for, and kept sealed.", opens="stigmer_tui.frame.beginning:key", usage="anthropic | openai", words=("anthropic", "openai")),
    Place(name="pull", title="Get a model", help="Get a model for the Ollama of this machine: no key is needed.", opens="stigmer_tui.frame.beginning:pull", usage="MODEL", words=SUGGESTED),
    Place(name="demo", title="Demonstration", help="Watch an agent at work on a script, with no key and no model; leave it to come back here.", opens="stigmer_tui.frame.beginning:demo"),
    Place(name="tab", title="New tab", help="Open what a command leads to in a tab of its own.", opens=f"{_OPENING}:tab", usage="[COMMAND ...]", completes=Completes.COMMAND),
    Place(name="split", title="Split", help="Put what a command leads to beside this place; without one, the next tab, or the selected run.", opens=f"{_OPENING}:split", usage="[COMMAND ...]", completes=Completes.COMMAND),
    Place(name="help", title="Help", help="What every key does here.", opens=f"{_OPENING}:help_page", aliases=("h",)),
    Place(name="q", title="Quit", help="Leave the workstation. Everything that runs goes on.", opens=f"{_OPENING}:leave", aliases=("quit", "qa", "exit")),
)  # fmt: skip
"""In the order in which they are offered."""


NARROWS: Mapping[str, str] = {
    "failed": "phase:failed",
    "running": "phase:running",
    "waiting": "phase:waiting",
    "done": "phase:completed",
    "cancelled": "phase:cancelled",
    "mine": "needs:me",
    "workflows": "kind:workflow",
    "agents": "kind:agent",
    "all": "",
}
"""Words of `:runs` and what they are in the filter."""


def places_by_name() -> Mapping[str, Place]:
    """Every place by its name and by its other names."""
    return {name: place for place in PLACES for name in (place.name, *place.aliases)}


Opener = Callable[..., None]
"""Called with the app and the words."""
