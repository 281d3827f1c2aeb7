"""What the places of `actions.places` open: each gets the app and the words behind its name."""

import shlex
from collections.abc import Sequence
from functools import partial

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis.errors import StigmerError
from stigmer_apis.ids import Prefix, is_id
from stigmer_tui.actions.places import NARROWS, CommandRefused
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.workstation import Workstation


def runs(app: Workstation, words: Sequence[str]) -> None:
    """The board, filtered by words; no words: as it was."""
    app.show_board(" ".join(NARROWS.get(word.lower(), word) for word in words) if words else None)


def view(app: Workstation, words: Sequence[str]) -> None:
    """A saved view of the board, or the list of them."""
    app.show_view(" ".join(words))


def run(app: Workstation, words: Sequence[str]) -> None:
    """A run by its id, or of a workflow a new one."""
    name = _one(words, "run ID")
    if is_id(name) or ("-" in name and name.partition("-")[0] in (Prefix.AGENT_EXECUTION, Prefix.WORKFLOW_EXECUTION)):
        app.open_run(name)
    else:
        app.open_workflow(name, run=True)


def workflow(app: Workstation, words: Sequence[str]) -> None:
    """A stored workflow."""
    app.open_workflow(_one(words, "workflow NAME"))


def session(app: Workstation, words: Sequence[str]) -> None:
    """The newest run of a session."""
    app.run_worker(partial(_newest_run, app, _one(words, "session ID")))


async def _newest_run(app: Workstation, session_id: str) -> None:
    client = await app.client()
    try:
        found = await client.list_executions(ExecutionFilter(session_id=session_id), page_size=1)
    except StigmerError as error:
        app.say_error(error)
        return
    if found.executions:
        app.open_run(found.executions[0].execution_id)
    else:
        app.say(f"The session {session_id} has no run, or there is no such session.", wrong=True)


def agent(app: Workstation, words: Sequence[str]) -> None:
    """Where one writes to an agent."""
    app.choose_agent(_one(words, "agent NAME"))


def agents(app: Workstation, words: Sequence[str]) -> None:
    """Agents in the library."""
    app.show_library("agent", " ".join(words))


def workflows(app: Workstation, words: Sequence[str]) -> None:
    """Workflows in the library."""
    app.show_library("workflow", " ".join(words))


def skills(app: Workstation, words: Sequence[str]) -> None:
    """Skills in the library."""
    app.show_library("skill", " ".join(words))


def mcp_servers(app: Workstation, words: Sequence[str]) -> None:
    """MCP servers in the library."""
    app.show_library("mcp_server", " ".join(words))


def environments(app: Workstation, words: Sequence[str]) -> None:
    """Environments in the library."""
    app.show_library("environment", " ".join(words))


def sessions(app: Workstation, words: Sequence[str]) -> None:
    """Sessions in the library."""
    app.show_library("session", " ".join(words))


def plots(app: Workstation, words: Sequence[str]) -> None:
    """Plots over runs."""
    from stigmer_tui.screens.plots import PlotsScreen
    from stigmer_tui.widgets.plots.measures import NAMES, PERIODS

    measure, period, agent = NAMES[0], "day", ""
    for word in words:
        if word in NAMES:
            measure = word
        elif any(word == each.name for each in PERIODS):
            period = word
        elif not agent:
            agent = word
        else:
            raise CommandRefused("One agent at a time: `:plots [MEASURE] [PERIOD] [AGENT]`; tab completes.")
    address = shlex.join(("plots", *words))
    app.open_page(Page(address, "plots", lambda: PlotsScreen(measure=measure, period=period, agent=agent), address))


def doctor(app: Workstation, words: Sequence[str]) -> None:
    """What works on this machine."""
    from stigmer_tui.screens.doctor import DoctorScreen

    _none(words, "doctor")
    app.open_page(Page("doctor", "doctor", lambda: DoctorScreen(app.home), "doctor"))


def settings(app: Workstation, words: Sequence[str]) -> None:
    """What is set, or the keys of every action."""
    from stigmer_tui.screens.settings import SettingsScreen

    keys = words[:1] == ("keys",)
    text = " ".join(words[1:] if keys else words)
    address = shlex.join(("settings", *words))
    app.open_page(Page(address, "settings", lambda: SettingsScreen(app, text, keys=keys), address))


def theme(app: Workstation, words: Sequence[str]) -> None:
    """Another look, or the list of them."""
    app.choose_theme(words[0] if words else "")


def tab(app: Workstation, words: Sequence[str]) -> None:
    """What a command leads to, in a tab of its own; without one, this place."""
    app.open_tab(tuple(words))


def split(app: Workstation, words: Sequence[str]) -> None:
    """What a command leads to, beside this place; without one, the next tab."""
    app.split(tuple(words))


def help_page(app: Workstation, words: Sequence[str]) -> None:
    """The help."""
    _none(words, "help")
    app.call_later(app.run_action, "help")


def leave(app: Workstation, words: Sequence[str]) -> None:
    """Leave the workstation."""
    _none(words, "q")
    app.call_later(app.run_action, "quit")


def _one(words: Sequence[str], usage: str) -> str:
    if len(words) != 1:
        raise CommandRefused(f"Write one word behind it: `:{usage}`; tab completes.")
    return words[0]


def _none(words: Sequence[str], name: str) -> None:
    if words:
        raise CommandRefused(f"`:{name}` takes no words behind it.")
