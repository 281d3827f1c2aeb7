"""Deleting what still runs: it is said what will be ended, it is ended, and no process is left."""

import os

from tests.loop.stage import Stage
from tests.support.waiting import eventually


def alive(seconds: str) -> list[str]:
    """Processes on this machine that sleep so long."""
    found: list[str] = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if seconds.encode() in words:
            found.append(pid)
    return found


async def test_a_session_whose_shell_runs(stage: Stage) -> None:
    seconds = f"9{os.getpid()}.25"
    made = await stage.client.run("shell", f"sleep {seconds} & sleep {seconds}", workspace=str(stage.directory))
    session, execution = made.spec.session_id, made.metadata.id
    await eventually(lambda: len(alive(seconds)) >= 2)
    run = stage.workstation.run
    told = run("delete", "session", session, "--dry-run").stdout.decode()
    assert f"ends {execution} (sleep {seconds} & sleep {seconds}), and all that it started" in told
    refused = run("delete", "session", session, code=None)
    assert refused.returncode != 0
    assert f"{execution} (sleep {seconds}" in refused.stderr.decode()
    assert "--yes" in refused.stderr.decode()
    assert len(alive(seconds)) >= 2, "nothing was ended"
    done = run("delete", "session", session, "--yes").stdout.decode()
    assert f"ended {execution}" in done
    assert f"with agent-execution/{execution}" in done
    assert not alive(seconds)
    assert run("get", "session", session, code=None).returncode != 0


async def test_an_execution_that_runs(stage: Stage) -> None:
    seconds = f"8{os.getpid()}.25"
    execution = (await stage.client.run("shell", f"sleep {seconds}", workspace=str(stage.directory))).metadata.id
    await eventually(lambda: bool(alive(seconds)))
    assert f"ends {execution}" in stage.workstation.run("delete", "execution", execution, "--dry-run").stdout.decode()
    assert f"ended {execution}" in stage.workstation.run("delete", "execution", execution, "--yes").stdout.decode()
    assert not alive(seconds)
