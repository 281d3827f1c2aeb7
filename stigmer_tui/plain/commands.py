"""Every command of line mode. Where the workstation has a place of that name, it is the same place; what is no command here may be one of `stigmer`."""

from collections.abc import Mapping
from pathlib import Path

from stigmer_apis.documents.nearest import nearest
from stigmer_tui.actions.places import CommandRefused, Completes
from stigmer_tui.cli.root import SUBCOMMANDS
from stigmer_tui.plain import browsing, steering
from stigmer_tui.plain.command import PlainCommand
from stigmer_tui.plain.desk import Desk

_LOOKING = frozenset({"get", "describe", "history", "artifact", "attention", "doctor", "version", "schema", "new"})
"""Commands of `stigmer` for somebody who only looks on."""
_NOT_HERE = frozenset({"tui", "demo", "acp"})
"""Commands of `stigmer` that want the terminal for themselves."""


def _run(desk: Desk, words: str) -> None:
    if not words:
        raise CommandRefused(
            "Write which: run and a number of the last list, or an id. To start one, write start TEXT."
        )
    steering.open_run(desk, desk.run_named(words.split()))


def _session(desk: Desk, words: str) -> None:
    from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter

    if len(words.split()) != 1:
        raise CommandRefused("Write which: session and a number of the last list, or an id.")
    entry = desk.numbered(words)
    wanted = ExecutionFilter(session_id=words if entry is None else entry.name)
    found = desk.do(lambda client: client.list_executions(wanted, page_size=1))
    if not found.executions:
        raise CommandRefused("This session has no run, or there is no such session.")
    steering.open_run(desk, found.executions[0].execution_id)


def _agent(desk: Desk, words: str) -> None:
    if len(words.split()) > 1:
        raise CommandRefused("Write one name: agent NAME.")
    if words:
        entry = desk.numbered(words)
        name = words if entry is None else entry.name
        desk.do(lambda client: client.get_agent(name))
        desk.agent = name
    desk.voice.say(f"The next run is started with {desk.agent}.")


def _workspace(desk: Desk, words: str) -> None:
    if words:
        path = Path(words).expanduser().absolute()
        if not path.is_dir():
            raise CommandRefused(f"{path} is no directory.")
        desk.workspace = path
    desk.voice.say(f"New sessions work in {desk.workspace or 'a directory of their own'}.")


def _show(desk: Desk, words: str) -> None:
    open_entry(desk, words)


def _view(desk: Desk, words: str) -> None:
    from stigmer_tui.widgets.board.view import Views

    views = Views(desk.home.root / "views.json")
    view = views.get(words)
    if view is None:
        raise CommandRefused(f"Write which view: {', '.join(views.names())}.")
    browsing.runs(desk, view.filter)


def _thoughts(desk: Desk, words: str) -> None:
    if words not in ("", "on", "off"):
        raise CommandRefused("Write thoughts on, or thoughts off.")
    desk.thoughts = words == "on" if words else desk.thoughts
    desk.voice.say("What models think is said." if desk.thoughts else "What models think is not said.")


def _where(desk: Desk, words: str) -> None:
    desk.voice.say(f"The run: {desk.run or 'none yet'}.")
    _agent(desk, "")
    _workspace(desk, "")
    if desk.read_only:
        desk.voice.say("You are looking on: nothing can be changed.")


def _help(desk: Desk, words: str) -> None:
    if words:
        command = BY_NAME.get(words.lower())
        if command is not None:
            others = f" Also: {', '.join(command.aliases)}." if command.aliases else ""
            desk.voice.say(f"{command.name} {command.usage}".rstrip() + f". {command.help}{others}")
            return
        if words in SUBCOMMANDS:
            cli(desk, [words, "--help"])
            return
        raise unknown(words)
    for command in COMMANDS:
        desk.voice.say(f"{command.name} {command.usage}".rstrip() + f": {command.help}")
    desk.voice.say("A number alone opens that entry of the last list; #3 in any command stands for entry 3.")
    others = (name for name in SUBCOMMANDS if name not in BY_NAME and name not in _NOT_HERE)
    desk.voice.say(f"Commands of stigmer work too: {', '.join(others)}. help NAME says more.")


def _quit(desk: Desk, words: str) -> None:
    desk.is_over = True
    desk.voice.say("Goodbye. Everything that runs goes on.")


COMMANDS: tuple[PlainCommand, ...] = (
    PlainCommand("runs", "[failed | running | waiting | done | cancelled | mine | WORDS ...]", "List runs, newest first; words filter them.", browsing.runs, ("board", "home"), words=("failed", "running", "waiting", "done", "cancelled", "mine", "all")),
    PlainCommand("view", "NAME", "List runs as a saved view filters them.", _view, completes=Completes.VIEW),
    PlainCommand("more", "", "The next entries of the last list.", browsing.more),
    PlainCommand("waiting", "", "List what waits for you, in all runs.", browsing.waiting, ("attention",)),
    PlainCommand("run", "NUMBER or ID", "Open a run: what happened so far.", _run, completes=Completes.RUN),
    PlainCommand("follow", "[NUMBER or ID]", "Say what happens in a run, and ask what it asks; ctrl+c leaves it, and it goes on.", steering.follow, completes=Completes.RUN),
    PlainCommand("start", "TEXT", "Start a run of the chosen agent, and follow it.", steering.start),
    PlainCommand("send", "TEXT", "Say something to the run; where it has ended, go on in its session.", steering.send),
    PlainCommand("now", "TEXT", "Interrupt the agent with a message.", steering.now),
    PlainCommand("decide", "[NUMBER or ID]", "Approve, deny or answer what a run asks.", steering.decide, ("approve", "deny", "answer"), Completes.RUN),
    PlainCommand("type", "[TEXT]", "Type a line into the program that runs; without text, unseen, for a password.", steering.type_in),
    PlainCommand("logs", "[NUMBER or ID]", "What the programs of a run printed and its model answered, alone.", steering.logs, completes=Completes.RUN),
    PlainCommand("find", "WORDS or /REGEX/", "Lines of the run that match, and how many there are.", steering.find),
    PlainCommand("stop", "[NUMBER or ID]", "Stop a run and all that it started; asks first.", steering.stop, ("cancel",), Completes.RUN),
    PlainCommand("pause", "[NUMBER or ID]", "Let a run stop after its current step.", steering.steered(lambda client, run: client.steering.pause(run), "It stops after its current step."), completes=Completes.RUN),
    PlainCommand("resume", "[NUMBER or ID]", "Let a paused run go on.", steering.steered(lambda client, run: client.steering.resume(run), "It goes on."), completes=Completes.RUN),
    PlainCommand("interrupt", "[NUMBER or ID]", "Stop what the agent does now; it goes on with what comes next.", steering.steered(lambda client, run: client.steering.interrupt(run), "What it did is interrupted."), completes=Completes.RUN),
    PlainCommand("retry", "[NUMBER or ID]", "Start the same again, in a session of its own.", steering.retry, completes=Completes.RUN),
    PlainCommand("branch", "[TEXT]", "Go another way: a new session that shares the past with this one.", steering.branch),
    PlainCommand("undo", "[NUMBER or ID]", "Put back the files that the last turn changed.", steering.undo, completes=Completes.RUN),
    PlainCommand("model", "NAME", "Another model from the next call on.", steering.model),
    PlainCommand("policy", "read-only, ask or auto", "What the agent may do by itself from the next tool call on.", steering.policy, words=steering.PRESETS),
    PlainCommand("agent", "[NUMBER or NAME]", "Choose the agent that the next run is started with.", _agent, completes=Completes.AGENT),
    PlainCommand("workspace", "[DIRECTORY]", "Choose where new sessions work.", _workspace),
    PlainCommand("session", "NUMBER or ID", "Open the newest run of a session.", _session, completes=Completes.SESSION),
    PlainCommand("agents", "[WORDS ...]", "List agents.", browsing.library("agents")),
    PlainCommand("workflows", "[WORDS ...]", "List workflows.", browsing.library("workflows")),
    PlainCommand("skills", "[WORDS ...]", "List skills.", browsing.library("skills")),
    PlainCommand("mcp", "[WORDS ...]", "List MCP servers.", browsing.library("mcp-servers"), ("mcp-servers",)),
    PlainCommand("environments", "[WORDS ...]", "List environments.", browsing.library("environments"), ("env",)),
    PlainCommand("sessions", "[WORDS ...]", "List sessions.", browsing.library("sessions")),
    PlainCommand("show", "NUMBER", "Open an entry of the last list.", _show),
    PlainCommand("thoughts", "[on | off]", "Whether what models think is said while a run is followed.", _thoughts, words=("on", "off")),
    PlainCommand("where", "", "Which run, agent and directory commands are about.", _where),
    PlainCommand("help", "[NAME]", "What can be written.", _help, ("h", "?")),
    PlainCommand("quit", "", "Leave. Everything that runs goes on.", _quit, ("q", "qa", "exit")),
)  # fmt: skip
"""In the order of the help."""

BY_NAME: Mapping[str, PlainCommand] = {name: each for each in COMMANDS for name in (each.name, *each.aliases)}


def unknown(name: str) -> CommandRefused:
    """There is no such command: the nearest is named."""
    near = nearest(name, [*BY_NAME, *SUBCOMMANDS])
    return CommandRefused(f"There is no command {name}" + (f": did you mean {near}?" if near else ". Write help."))


def open_entry(desk: Desk, word: str) -> None:
    """Open an entry of the last list: a run, a session's newest run, or a resource as a page."""
    entry = desk.numbered(word)
    if entry is None:
        raise CommandRefused("Write the number of an entry of the last list.")
    if entry.kind == "execution":
        steering.open_run(desk, entry.name)
    elif entry.kind == "session":
        _session(desk, word)
    else:
        cli(desk, ["describe", entry.kind, entry.name])


def cli(desk: Desk, words: list[str]) -> None:
    """Run a command of `stigmer`; `#3` stands for entry 3 of the last list."""
    from stigmer_tui.cli.root import run_command_line

    if words[0] in _NOT_HERE:
        raise CommandRefused(f"{words[0]} wants the terminal for itself: leave first, with quit.")
    if desk.read_only and words[0] not in _LOOKING and "--help" not in words:
        desk.change()
    named = [(desk.numbered(word), word) if word.startswith("#") else (None, word) for word in words]
    run_command_line([word if entry is None else entry.name for entry, word in named])
