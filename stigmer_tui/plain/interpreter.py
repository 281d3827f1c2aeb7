"""Line mode: reads a command, does it, says what came of it."""

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.actions.places import CommandRefused, Completes
from stigmer_tui.cli.connect import ROLE
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.known_names import known_names
from stigmer_tui.cli.root import SUBCOMMANDS
from stigmer_tui.manifests.kinds import AGENT, AGENT_EXECUTION, Kind, find_kind
from stigmer_tui.plain.commands import BY_NAME, cli, open_entry, unknown
from stigmer_tui.plain.desk import Desk
from stigmer_tui.plain.listening import Listener, Pasted, edits_lines
from stigmer_tui.plain.steering import open_run
from stigmer_tui.plain.voice import Voice

_PROMPT = "stigmer> "
_KINDS: dict[Completes, Kind | None] = {
    Completes.AGENT: AGENT,
    Completes.RUN: AGENT_EXECUTION,
    Completes.SESSION: find_kind("session"),
}


def run_plain(home: Home, *, workspace: Path | None = None, read_only: bool = False, open_run_id: str = "") -> int:
    """Be the workstation line by line until the person leaves or the input ends. The exit code; errors on the way are said, and it goes on."""
    os.environ["NO_COLOR"] = "1"
    ROLE.set("viewer" if read_only else "operator")
    voice = Voice()
    desk = Desk(home, voice, Listener(voice, completions, editing=edits_lines()), workspace, read_only)
    voice.say("Stigmer, line by line. Write help for what there is, quit to leave.")
    code = _attempt(desk, lambda: _greet(desk, open_run_id))
    if code != ExitCode.OK:
        return code
    while not desk.is_over:
        try:
            line = desk.listener.line(_PROMPT)
        except KeyboardInterrupt:
            voice.say("")
            voice.say("Write quit to leave.")
            continue
        if line is None:
            voice.say("")
            break
        _attempt(desk, lambda line=line: carry_out(desk, line))
    return ExitCode.OK


def carry_out(desk: Desk, line: str) -> None:
    """Do what a line says. Raises `CommandRefused` and `StigmerError`."""
    name, _, rest = line.strip().removeprefix(":").partition(" ")
    rest = rest.strip()
    if not name:
        return
    command = BY_NAME.get(name.lower())
    if command is not None:
        command.do(desk, rest)
    elif name.removeprefix("#").isdecimal() and not rest:
        open_entry(desk, name)
    elif name in SUBCOMMANDS:
        cli(desk, [name, *_words(rest)])
    else:
        raise unknown(name)


def completions(line: str) -> Sequence[str]:
    """What the last word of a line can become."""
    name, space, rest = line.lstrip().partition(" ")
    if not space:
        known = sorted({*BY_NAME, *SUBCOMMANDS})
        return [f"{each} " for each in known if each.startswith(name)]
    command = BY_NAME.get(name.lower())
    if command is None or " " in rest:
        return []
    kind = _KINDS.get(command.completes)
    offered = [*command.words, *(name for name, _ in known_names(kind))] if kind is not None else list(command.words)
    return [each for each in offered if each.startswith(rest)]


def _greet(desk: Desk, execution_id: str) -> None:
    from stigmer_tui.plain.deciding import all_waiting

    waiting = len(desk.do(all_waiting))
    if waiting:
        desk.voice.say(f"{waiting} {'thing waits' if waiting == 1 else 'things wait'} for you: write waiting.")
    if execution_id:
        open_run(desk, execution_id)


def _attempt(desk: Desk, work: Callable[[], None]) -> int:
    """Do it, and say what is wrong with it; the exit code that it would have."""
    try:
        work()
    except CommandRefused as refused:
        desk.voice.say(str(refused))
        return ExitCode.USAGE
    except StigmerError as error:
        desk.voice.say(f"That did not work: {error.message}")
        if error.remedy:
            desk.voice.say(f"What helps: {error.remedy}")
        return exit_code_of(error)
    except Pasted:
        desk.voice.say("More than one line came at once, as from a paste. It was dropped, and nothing was done.")
    except (KeyboardInterrupt, EOFError):
        desk.voice.say("")
        desk.voice.say("Left. What runs goes on.")
    return ExitCode.OK


def _words(rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise CommandRefused(f"A quotation mark is not closed in: {rest}") from error
