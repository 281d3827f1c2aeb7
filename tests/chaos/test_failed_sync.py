"""A sync fails: what is on the disk is unknown, so the daemon stops at once and says why; the next one works."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_backend.daemon.exits import Exit
from tests.chaos.daemon import DaemonProcess, client_of
from tests.chaos.figures import record
from tests.chaos.reading import everything, story_of
from tests.support.require import missing, require_tool
from tests.support.scale import scaled
from tests.support.workstation import new_workstation

OUTPUT_LINES = 400
PROGRAM = f"i=0; while [ $i -lt {OUTPUT_LINES} ]; do i=$((i+1)); echo line $i; sleep 0.01; done"
STOP_SECONDS = 60


def injector(strace: str, directory: Path) -> list[str]:
    """A command that makes every `fdatasync` after some fail, in the daemon and not in its runner. Skips where strace may not trace."""
    probe = [strace, "-f", "-o", str(directory / "probe"), "-e", "trace=fdatasync", "true"]
    done = subprocess.run(probe, capture_output=True, check=False)
    if done.returncode:
        missing(f"strace may not trace here: {done.stderr.decode().strip()}")
    inject = ["-e", "trace=fdatasync", "-e", f"inject=fdatasync:error=EIO:when={SYNCS_BEFORE}+"]
    return [strace, "-f", "-b", "execve", "-o", "/dev/null", *inject]


SYNCS_BEFORE = 40
"""So many syncs of each thread succeed: enough to start up, and to run for a while."""


@pytest.mark.timeout(scaled(600, 4 * 3600))
async def test_the_daemon_stops_and_says_why(tmp_path: Path) -> None:
    """Its exit code, its log, and everything acknowledged in the next daemon; the run goes on to its end."""
    strace = require_tool("strace")
    tries = scaled(1, 5)
    for _ in range(tries):
        with new_workstation() as workstation:
            daemon = DaemonProcess.start(workstation, injector(strace, tmp_path))
            await daemon.answers()
            async with client_of(workstation) as client:
                execution_id = (await client.run("shell", PROGRAM)).metadata.id
                reader = asyncio.create_task(everything(client, execution_id, follow=True))
                code = await asyncio.to_thread(daemon.child.wait, STOP_SECONDS)
                assert code == Exit.STORE_STOPPED, daemon.log()
                assert "Input/output error" in daemon.log(), daemon.log()
                await DaemonProcess.start(workstation).answers()
                events = await reader
                assert events == await everything(client, execution_id, follow=False)
            story = story_of(events)
            expected = "".join(f"line {n}\r\n" for n in range(1, OUTPUT_LINES + 1))
            assert story.commands[0].output.decode() == expected
            assert story.phase == ExecutionPhase.EXECUTION_COMPLETED
    record(
        "fdatasync fails with EIO",
        tries,
        "times",
        f"the daemon stopped with {int(Exit.STORE_STOPPED)} and gave the reason in its log; the next one had everything, the run went on to its end, and its reader saw each event once",
    )
