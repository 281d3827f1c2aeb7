"""`stigmer replay`: what a run's terminals showed, played here."""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import click

from stigmer_apis.client import Client, TailBatch
from stigmer_apis.errors import FailedPrecondition
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions
from stigmer_tui.cli.playing import TITLE_BACK, Player
from stigmer_tui.records.pace import USUAL_IDLE, Frame, FrameReader, Pace
from stigmer_tui.terminal.modes import TerminalModes
from stigmer_tui.terminal.raw_terminal import raw_terminal
from stigmer_tui.terminal.replay import QuestionFilter


@click.command("replay")
@click.argument("execution_id", metavar="ID", shell_complete=complete_executions)
@click.option("--speed", type=click.FloatRange(min=0), default=1.0, help="Times as fast; 0 writes everything at once.")
@click.option(
    "--idle",
    type=click.FloatRange(min=0),
    default=USUAL_IDLE,
    show_default=True,
    help="Wait at most so many seconds where nothing happened; inf for as long as it took.",
)
def command(execution_id: str, speed: float, idle: float) -> int:
    """Play what the terminals of the run ID showed, at their pace.

    Space pauses and goes on, + and - change the speed, q leaves. This terminal is as before afterwards.

    \b
    Examples:
      stigmer replay aex-01jd...
      stigmer replay aex-01jd... --speed 4 --idle 0.5
      stigmer replay aex-01jd... --speed 0 > output.bin
    """

    async def work(client: Client) -> int:
        if speed and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise FailedPrecondition(
                "a replay needs a terminal, and this is none",
                remedy=f"--speed 0 writes everything at once; `stigmer export {execution_id} --cast` makes a recording",
            )
        async with aclosing(_frames(client, execution_id)) as frames:
            if speed:
                return await _play(frames, Pace(speed, idle))
            await _write_all(frames)
            return ExitCode.OK

    return with_client(work)


async def _play(frames: AsyncGenerator[Frame, None], pace: Pace) -> int:
    modes = TerminalModes()
    async with raw_terminal(0, 1, lambda: modes.undo() + TITLE_BACK) as terminal:
        ended = await Player(terminal, modes, pace).play(frames)
    note("\nstigmer: the end" if ended else "\nstigmer: left")
    return ExitCode.OK


async def _write_all(frames: AsyncGenerator[Frame, None]) -> None:
    """Everything at once: the bytes as they were, but for questions to a terminal that would answer them."""
    output = sys.stdout.buffer
    to_terminal = output.isatty()
    questions, modes = QuestionFilter(), TerminalModes()
    async for frame in frames:
        data = questions.feed(frame.data) if to_terminal else frame.data
        modes.feed(data)
        output.write(data)
    if to_terminal:
        output.write(modes.undo())
    output.flush()


async def _frames(client: Client, execution_id: str) -> AsyncGenerator[Frame, None]:
    """What there is to show so far."""
    reader = FrameReader()
    async with aclosing(client.tail(execution_id, follow=False)) as items:
        async for item in items:
            if isinstance(item, TailBatch):
                for event in item.events:
                    for frame in reader.take(event):
                        yield frame
