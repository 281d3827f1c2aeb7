"""Commands about one run: start, follow, say something, stop it, and change how it goes on."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.client import Client
from stigmer_apis.client.environment import client_environment
from stigmer_apis.matching import Pattern
from stigmer_tui.actions.places import CommandRefused
from stigmer_tui.plain.deciding import Waiting, all_waiting, ask, waiting_of
from stigmer_tui.plain.desk import Desk
from stigmer_tui.plain.event_lines import EventLines, phase_word
from stigmer_tui.plain.following import Ended, Follower
from stigmer_tui.theme.phases import LIVE

_STOP_SECONDS = 15.0
_TYPE_SECONDS = 10.0
_MOST_HITS = 100
PRESETS = ("read-only", "ask", "auto")


def open_run(desk: Desk, execution_id: str) -> None:
    """Be at a run: say what happened so far, and what can be done."""
    execution = desk.do(lambda client: client.get_execution(execution_id))
    desk.run = execution.metadata.id
    follower = _follower(desk)
    desk.do(lambda client: follower.go_on(client, stay=False))
    if execution.status.phase in LIVE:
        desk.voice.say(
            f"The run is {phase_word(execution.status.phase)}. Write follow to hear what comes, send TEXT to say something."
        )
    needed = desk.do(lambda client: waiting_of(client, desk.run))
    if needed is not None:
        desk.voice.say("It waits for you: write decide.")


def follow(desk: Desk, words: str) -> None:
    """Say all that happened and happens in a run, and ask what it asks."""
    desk.run = desk.run_named(words.split())
    follow_on(desk)


def follow_on(desk: Desk) -> None:
    """Follow the run where the person is, to its end or until ctrl+c."""
    follower = _follower(desk)
    try:
        while desk.do(lambda client: follower.go_on(client, stay=True)) is Ended.NEEDED:
            if follower.needed is not None:
                ask(desk, follower.needed)
    except KeyboardInterrupt:
        desk.voice.say("")
        desk.voice.say("Not followed any more. The run goes on: follow comes back to it, stop stops it.")


def logs(desk: Desk, words: str) -> None:
    """What the programs of a run printed and its model answered, alone."""
    execution_id = desk.run_named(words.split())
    follower = Follower(desk, execution_id, EventLines(only_output=True))
    desk.do(lambda client: follower.go_on(client, stay=False))


def find(desk: Desk, words: str) -> None:
    """Lines of the whole run that have these words; `/REGEX/` is a regular expression."""
    if not words:
        raise CommandRefused("Write what to look for: find WORDS, or find /REGEX/.")
    run = desk.run_named(())
    is_regex = len(words) > 2 and words[0] == words[-1] == "/"
    pattern = Pattern(words[1:-1] if is_regex else words, regex=is_regex)

    async def search(client: Client) -> int:
        count = 0
        async for step in client.search_execution(run, pattern, _MOST_HITS):
            desk.voice.say_all(f"{hit.part}: {hit.line}" for hit in step.hits)
            count = step.matching_lines
        return count

    count = desk.do(search)
    shown = f"; the first {_MOST_HITS} are above" if count > _MOST_HITS else ""
    desk.voice.say(f"{count:,} {'line matches' if count == 1 else 'lines match'}{shown}.")


def start(desk: Desk, words: str) -> None:
    """Start a run of the chosen agent, and follow it."""
    desk.change()
    if not words:
        raise CommandRefused(f"Write what {desk.agent} shall do: start TEXT.")
    _start(desk, words, session="")


def send(desk: Desk, words: str) -> None:
    """Say something to the run; where it has ended, its session goes on with it."""
    desk.change()
    if not words:
        raise CommandRefused("Write what to say: send TEXT.")
    run = desk.run_named(())
    execution = desk.do(lambda client: client.get_execution(run))
    if execution.status.phase not in LIVE:
        _start(desk, words, session=execution.spec.session_id)
        return
    desk.do(lambda client: client.send_message(run, words))
    desk.voice.say("Sent. It is read when its turn comes: follow says what comes of it.")


def now(desk: Desk, words: str) -> None:
    """Interrupt the agent with a message."""
    desk.change()
    if not words:
        raise CommandRefused("Write what to say: now TEXT.")
    run = desk.run_named(())
    desk.do(lambda client: client.send_message(run, words, now=True))
    desk.voice.say("Sent: what it did was interrupted for it.")


def decide(desk: Desk, words: str) -> None:
    """Decide, or answer, what a run asks: that of the list, that where one is, else the oldest there is."""
    if words or desk.run:
        run = desk.run_named(words.split())
        needed = desk.do(lambda client: waiting_of(client, run))
        if needed is None and words:
            raise CommandRefused("This run asks nothing.")
    else:
        needed = None
    if needed is None:
        needed = desk.do(_oldest)
    if needed is None:
        raise CommandRefused("Nothing waits for a decision or an answer.")
    ask(desk, needed)


async def _oldest(client: Client) -> Waiting | None:
    for each in await all_waiting(client):
        if each.HasField("approval") or each.HasField("question"):
            return each
    return None


def type_in(desk: Desk, words: str) -> None:
    """Type a line into the program that runs, unseen where no words are given."""
    desk.change()
    run = desk.run_named(())
    size = desk.size()
    line = words
    if not line:
        if not sys.stdin.isatty():
            raise CommandRefused("Without a terminal nothing can be typed unseen: type TEXT.")
        line = getpass.getpass("Typed unseen, enter ends it: ")

    async def write(client: Client) -> None:
        async with client.attach(run, columns=size.columns, rows=size.lines) as session:
            await session.write(line.encode() + b"\r")
            async with asyncio.timeout(_TYPE_SECONDS):
                await session.let_go()

    try:
        desk.do(write)
    except TimeoutError:
        raise CommandRefused("Nobody said that it arrived: follow shows whether it did.") from None
    desk.voice.say("Typed.")


def stop(desk: Desk, words: str) -> None:
    """Stop a run and everything that it started, once it was confirmed."""
    desk.change()
    run = desk.run_named(words.split())
    if (
        desk.listener.answer(f"Stop {run} and all that it started? Type yes to stop it: ") or ""
    ).strip().lower() != "yes":
        desk.voice.say("It was not stopped.")
        return
    answer = desk.do(lambda client: client.cancel(run, "", _STOP_SECONDS))
    if answer.already_ended:
        desk.voice.say(f"It had ended already: {phase_word(answer.phase)}.")
    elif answer.phase == enums.ExecutionPhase.EXECUTION_CANCELLED:
        desk.voice.say("It is stopped.")
    else:
        desk.voice.say(f"It is asked to stop; it is {phase_word(answer.phase)} still.")


def retry(desk: Desk, words: str) -> None:
    """Start the same again, in a session of its own, and follow it."""
    desk.change()
    run = desk.run_named(words.split())
    desk.run = desk.do(lambda client: client.boards.run_again(run))
    follow_on(desk)


def branch(desk: Desk, words: str) -> None:
    """A new session that shares the past with this one, and follow it."""
    desk.change()
    run = desk.run_named(())
    desk.run = desk.do(lambda client: client.steering.branch(run, text=words)).execution_id
    follow_on(desk)


def undo(desk: Desk, words: str) -> None:
    """Put the files back that the last turn changed."""
    desk.change()
    run = desk.run_named(words.split())
    undone = desk.do(lambda client: client.steering.undo_turn(run))
    desk.voice.say_all(f"{path} is as before." for path in undone.paths)
    desk.voice.say_all(f"{path} is left alone: somebody else changed it since." for path in undone.left)
    if undone.command_id:
        desk.voice.say("Asked for: follow says what was put back.")


def steered(send: Callable[[Client, str], Awaitable[None]], said: str) -> Callable[[Desk, str], None]:
    """A command that asks a run for something without words."""

    def command(desk: Desk, words: str) -> None:
        desk.change()
        run = desk.run_named(words.split())
        desk.do(lambda client: send(client, run))
        desk.voice.say(said)

    return command


def model(desk: Desk, words: str) -> None:
    """Another model from the next call on."""
    desk.change()
    if not words:
        raise CommandRefused("Write which: model anthropic/claude-sonnet-4-5.")
    run = desk.run_named(())
    taken = desk.do(lambda client: client.steering.change_model(run, words))
    desk.voice.say(f"{words} answers from the next {'call' if taken else 'run of this session'} on.")


def policy(desk: Desk, words: str) -> None:
    """What the agent may do by itself from the next tool call on."""
    desk.change()
    if words not in PRESETS:
        raise CommandRefused(f"Write which: policy {', '.join(PRESETS[:-1])} or {PRESETS[-1]}.")
    run = desk.run_named(())
    desk.do(lambda client: client.steering.change_policy(run, Policy(preset=words)))
    desk.voice.say(f"Its policy is {words} from the next tool call on.")


def _start(desk: Desk, text: str, *, session: str) -> None:
    size = desk.size()
    workspace = None if desk.workspace is None or session else str(desk.workspace)
    execution = desk.do(
        lambda client: client.run(
            "" if session else desk.agent,
            text,
            workspace=workspace,
            session_id=session or None,
            client_environment=client_environment(columns=size.columns, rows=size.lines),
        )
    )
    desk.run = execution.metadata.id
    desk.voice.say(f"Started: {desk.run}. Ctrl+c stops following; the run goes on.")
    follow_on(desk)


def _follower(desk: Desk) -> Follower:
    return Follower(desk, desk.run, EventLines(thoughts=desk.thoughts))
