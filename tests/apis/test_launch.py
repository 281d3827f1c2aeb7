"""Starting the daemon: once, detached, and with a word when it does not come up."""

import asyncio
import fcntl
import os
import random
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from stigmer_apis.client import Client, ClientOptions, TailBatch, TailEnd, TailReset, ensure_daemon
from stigmer_apis.client.launch import daemon_command
from stigmer_apis.errors import DaemonNotStarted, HomeError
from stigmer_apis.home import Home
from tests.apis.counting_daemon import COUNTING, FIRST_EVENTS, counting_daemon, kill, starts_of
from tests.apis.polling import until
from tests.support.scale import scaled


def test_the_installed_daemon_is_the_backends(home: Home) -> None:
    assert daemon_command(home) == (sys.executable, "-m", "stigmer_backend.daemon", "--home", str(home.root))


async def test_ten_at_once_start_one(home: Home) -> None:
    command = counting_daemon(home)
    source = (
        "import asyncio, sys; from pathlib import Path; from stigmer_apis.home import Home;"
        "from stigmer_apis.client import ensure_daemon;"
        "home = Home(Path(sys.argv[1]), Path(sys.argv[2]));"
        "print(asyncio.run(ensure_daemon(home, timeout=60, command=sys.argv[3:])).pid)"
    )
    others = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", source, str(home.root), str(home.run), *command, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(scaled(3, 10))
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ensure_daemon(home, timeout=60, command=command)) for _ in range(10)]
    told = {task.result().pid for task in tasks}
    for other in others:
        output, _ = await other.communicate()
        told.add(int(output))
    [pid] = starts_of(home)
    assert told == {pid}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
async def test_it_is_detached(home: Home) -> None:
    descriptor = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        info = await ensure_daemon(home, timeout=60, command=counting_daemon(home))
    finally:
        os.close(descriptor)
    process = Path(f"/proc/{info.pid}")
    assert os.getsid(info.pid) == info.pid
    assert os.readlink(process / "cwd") == "/"
    open_files = {fd.name: os.readlink(fd) for fd in (process / "fd").iterdir()}
    assert (open_files["0"], open_files["1"], open_files["2"]) == (
        "/dev/null",
        str(home.server_log),
        str(home.server_log),
    )
    assert "/dev/null" not in [path for number, path in open_files.items() if number != "0"]
    assert home.server_log.stat().st_mode & 0o777 == 0o600


async def test_one_that_fails_is_told_with_the_end_of_its_log(home: Home) -> None:
    home.prepare()
    home.server_log.write_text("from an earlier start\n")
    with pytest.raises(DaemonNotStarted, match="ended with code 70") as caught:
        await ensure_daemon(home, command=counting_daemon(home, fail="the store is damaged"))
    assert caught.value.message.endswith("\nthe store is damaged")
    assert "earlier" not in caught.value.message
    assert str(home.server_log) in caught.value.remedy


async def test_one_that_never_answers_is_told_after_the_time_given(home: Home) -> None:
    pid_file = home.root / "pid"
    source = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(DaemonNotStarted, match=r"did not answer within 0\.7 s"):
        await ensure_daemon(home, timeout=0.7, command=[sys.executable, "-c", source, str(pid_file)])
    await until(lambda: pid_file.exists() and pid_file.read_text())
    kill(int(pid_file.read_text()))


async def test_a_program_that_is_not_there(home: Home) -> None:
    with pytest.raises(DaemonNotStarted, match="cannot run /nowhere/python"):
        await ensure_daemon(home, command=["/nowhere/python"])


async def test_one_that_is_just_ending_is_waited_for(home: Home) -> None:
    home.prepare()
    with (home.data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting = asyncio.ensure_future(ensure_daemon(home, timeout=60, command=counting_daemon(home)))
        await until(lambda: home.server_log.exists())
        await asyncio.sleep(0.5)
        assert not starting.done()
        fcntl.flock(lock, fcntl.LOCK_UN)
        info = await starting
    assert starts_of(home) == [info.pid]


async def test_a_home_that_cannot_be_used(home: Home) -> None:
    home.root.write_text("a file")
    with pytest.raises(HomeError, match="is not a directory"):
        await ensure_daemon(home, command=counting_daemon(home))


async def test_a_tail_across_kills_tells_each_event_once(home: Home) -> None:
    kills, seed = scaled(4, 50), random.randrange(2**32)
    dice = random.Random(seed)
    count = kills * 150
    options = ClientOptions(daemon_command=counting_daemon(home, events=count), start_timeout=60, start_delay=0.1)
    last, numbers = 0, list[int]()

    async def kill_at_random() -> None:
        for _ in range(kills):
            before = last
            await until(lambda before=before: last > before + dice.randrange(100) or last >= count)
            kill(starts_of(home)[-1])

    async with asyncio.timeout(110 + 3 * kills), Client(home, options=options) as client, asyncio.TaskGroup() as group:
        killer = group.create_task(kill_at_random())
        async with aclosing(client.tail(COUNTING)) as items:
            async for item in items:
                assert not isinstance(item, TailReset), f"seed {seed}"
                if isinstance(item, TailBatch):
                    assert item.first_seq == last + 1, f"seed {seed}"
                    last = item.last_seq
                    numbers += [int(e.log_line.text) for e in item.events if e.HasField("log_line")]
                if isinstance(item, TailEnd):
                    assert item.final_seq == last == FIRST_EVENTS + count + 1
        killer.cancel()
    assert numbers == list(range(1, count + 1)), f"seed {seed}"
    assert len(starts_of(home)) > kills // 2


async def test_calls_go_on_when_the_daemon_is_killed(home: Home) -> None:
    options = ClientOptions(daemon_command=counting_daemon(home), start_timeout=60)
    async with asyncio.timeout(110), Client(home, options=options) as client:
        for _ in range(scaled(2, 20)):
            first = (await client.get_status()).pid
            kill(first)
            second = (await client.get_status()).pid
            assert second != first
            assert client.server_info.pid == second
