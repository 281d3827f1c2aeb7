"""`stigmer run --follow` across kills of the daemon: what a person sees is exactly what the program printed."""

import asyncio
import random
import subprocess

import pytest

from tests.chaos.daemon import DaemonProcess, answers, daemon_pids, home_of
from tests.chaos.figures import record
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation

SEED = "follow-1"
OUTPUT_LINES = 300
PROGRAM = (
    f"i=0; while [ $i -lt {OUTPUT_LINES} ]; do i=$((i+1)); echo line $i of {OUTPUT_LINES}; sleep 0.01; done; exit 7"
)
EXIT_CODE = 7
FOLLOW_SECONDS = 400
KILLS_A_RUN = 4


@pytest.mark.timeout(scaled(1300, 4 * 3600))
async def test_output_is_exactly_the_programs() -> None:
    """Nothing missing, nothing twice, and the program's exit code at the end; the follower itself starts the next daemon."""
    runs = scaled(3, 30)
    dice = random.Random(SEED)
    kills = 0
    expected = "".join(f"line {n} of {OUTPUT_LINES}\n" for n in range(1, OUTPUT_LINES + 1))
    with new_workstation() as workstation:
        daemon = DaemonProcess.start(workstation)
        await daemon.answers()
        for _ in range(runs):
            follower = workstation.start("run", "shell", "--message", PROGRAM, "--follow")
            first = await asyncio.to_thread(first_line, follower)
            finished = asyncio.create_task(asyncio.to_thread(follower.communicate, timeout=FOLLOW_SECONDS))
            kills += await kill_until(finished, workstation, dice)
            output, errors = await finished
            assert (first + output).decode() == expected, errors.decode()
            assert follower.returncode == EXIT_CODE, errors.decode()
    assert kills >= runs
    record(
        "`stigmer run --follow` across kill -9 of the daemon",
        kills,
        f"kills in {runs} runs",
        "output equal to the program's byte for byte, exit code passed through",
    )


def first_line(follower: subprocess.Popen[bytes]) -> bytes:
    """What the follower prints first: from then on the run is there."""
    assert follower.stdout is not None
    return follower.stdout.readline()


async def kill_until(finished: asyncio.Task[tuple[bytes, bytes]], workstation: Workstation, dice: random.Random) -> int:
    """Kill the daemon that answers, some times, unless `finished` comes first. Returns how many were killed."""
    kills = 0
    while kills < KILLS_A_RUN and not finished.done():
        await asyncio.wait({finished}, timeout=dice.uniform(0.0, 1.0))
        if not finished.done() and await answers(home_of(workstation)):
            for pid in daemon_pids(workstation):
                workstation.kill(pid)
                kills += 1
    return kills
