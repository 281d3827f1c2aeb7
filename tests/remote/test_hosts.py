"""Runners on hosts of their own: what runs there goes on to its end over a link that is cut and slow, and work is placed where it belongs."""

import asyncio
import subprocess
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import pytest

from tests.load.proxy import proxied
from tests.remote.hosts import Host, hosts
from tests.remote.test_runner_elsewhere import key_of, listed, other, port, running, server, started
from tests.support.waiting import eventually
from tests.support.workstation import Workstation, new_workstation

__all__ = ["other", "port", "server"]
pytestmark = pytest.mark.timeout(300)

TICKS = 20
LINE = f"for i in $(seq 1 {TICKS}); do echo tick $i; sleep 0.1; done"
ALL = [f"tick {number}" for number in range(1, TICKS + 1)]
ENDS_WITHIN = 90.0


@contextmanager
def runner_on(host: Host, server: Workstation, port: int, label: str) -> Generator[subprocess.Popen[bytes]]:
    """A runner of that host, with a home of its own, that is connected."""
    with new_workstation() as home:
        home.home.mkdir(parents=True)
        file = home.home / "key"
        file.touch(mode=0o600)
        file.write_text(key_of(server, label, "--role", "runner"))
        words = ("runner", "start", "--backend", f"{host.here}:{port}", "--token-file", str(file), "--labels", label)
        child = host.start(home, *words)
        try:
            server.until(lambda: label in listed(server), f"the runner {label} is connected", ENDS_WITHIN)
            yield child
        finally:
            child.terminate()
            child.communicate(timeout=30)


def ticks_of(server: Workstation, execution_id: str) -> list[str]:
    """What a run printed of its ticks, once it is over."""
    server.until(lambda: server.phase(execution_id) == "EXECUTION_COMPLETED", "the run ended", ENDS_WITHIN)
    said = server.run("logs", execution_id).stdout.decode().splitlines()
    return [line for line in said if line.startswith("tick")]


def test_runs_on_two_hosts_go_on_over_links_that_are_cut_and_slow(server: Workstation, port: int) -> None:
    """Each line is there once, and what follows in a session goes where its files are."""
    with hosts(2) as places, ExitStack() as both:
        server.run("server", "start", "--listen", f"0.0.0.0:{port}")
        for host, label in zip(places, ("near", "far"), strict=True):
            both.enter_context(runner_on(host, server, port, label))
        names = [server.detach(f"echo made by {label} >here; {LINE}", "--runner", label) for label in ("near", "far")]
        if not places[1].throttle("512kbit"):
            print("no link was throttled: this machine has no `tc`, or not its tbf")
        for _ in range(2):
            for host in places:
                host.cut()
            time.sleep(1.0)
            for host in places:
                host.mend()
        assert [ticks_of(server, name) for name in names] == [ALL, ALL]
        for name, label in zip(names, ("near", "far"), strict=True):
            session = server.run("get", "execution", name, "-o", "jsonpath=$.spec.sessionId").stdout.decode().strip()
            said = server.run("run", "shell", "--session", session, "--message", "cat here").stdout.decode()
            assert said == f"made by {label}\n"


async def test_a_link_that_is_late_narrow_and_breaks_loses_and_doubles_nothing(
    server: Workstation, other: Workstation, port: int
) -> None:
    """As between continents: every piece a fifth of a second late, 64 kB/s, and reset in between."""
    key = await asyncio.to_thread(started, server, f"localhost:{port}")
    async with proxied(port) as proxy:
        proxy.delay, proxy.rate = 0.2, 64_000
        with running(other, proxy.endpoint, key, "--labels", "abroad"):
            await asyncio.to_thread(server.until, lambda: "abroad" in listed(server), "it is connected", ENDS_WITHIN)
            name = await asyncio.to_thread(server.detach, LINE, "--runner", "abroad")
            for _ in range(2):
                await asyncio.sleep(1.0)
                proxy.cut()

            async def ended() -> bool:
                return await asyncio.to_thread(server.phase, name) == "EXECUTION_COMPLETED"

            await eventually(ended)
            assert await asyncio.to_thread(ticks_of, server, name) == ALL


def test_a_runner_is_replaced_by_another_while_it_runs(server: Workstation, other: Workstation, port: int) -> None:
    """An upgrade: the old one is drained, the new one comes, and no run is lost or begun twice."""
    address = f"localhost:{port}"
    key = started(server, address)
    with running(other, address, key, "--labels", "box") as old, new_workstation() as fresh:
        server.until(lambda: "box" in listed(server), "the old one is connected")
        name = server.detach(f"{LINE}; test -e never && echo never", "--runner", "box")
        server.until(lambda: "runs 1" in listed(server), "it runs")
        server.run("runner", "drain", listed_id(server, "box"))
        waits = server.detach(LINE, "--runner", "box")
        fresh.home.mkdir(parents=True)
        with running(fresh, address, key_of(server, "new box", "--role", "runner"), "--labels", "box"):
            assert ticks_of(server, waits) == ALL
            assert ticks_of(server, name) == ALL
            server.until(lambda: old.poll() is not None, "the old one left")
            assert old.returncode == 0


def listed_id(server: Workstation, label: str) -> str:
    """The id of the runner with that label."""
    return next(line.split()[0] for line in listed(server).splitlines() if label in line)
