"""The daemon as a process: one a home, gone when it is told to, back at once after it was killed."""

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import stat
import time
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.server.v1 import server_pb2
from stigmer_apis.client import Client
from stigmer_apis.protocol import PROTOCOL
from stigmer_apis.transport import aio, grpc, unix_target
from stigmer_backend.daemon.exits import Exit
from tests.access.waiting import DEADLINE_SECONDS, blocked_until, until
from tests.daemon.process import DAEMON, DaemonProcess
from tests.support.scale import scaled


async def test_it_says_who_it_is_and_how_it_does(daemon: DaemonProcess) -> None:
    await daemon.started()
    info = await daemon.answers()
    assert (info.version, info.protocol, info.role) == (__version__, PROTOCOL, "operator")
    assert (info.pid, info.home) == (daemon.process.pid, str(daemon.home.root))
    assert info.incarnation
    status = await daemon.status()
    assert (status.version, status.pid, status.home) == (__version__, info.pid, info.home)
    assert status.uptime_seconds > 0
    assert status.memory_bytes > 10_000_000
    assert status.store.healthy
    assert status.store.disk_bytes > 0
    assert list(status.sockets) == [str(daemon.home.operator_socket), str(daemon.home.runner_socket)]
    assert len(status.runners) == 1


async def test_the_client_talks_to_it(daemon: DaemonProcess) -> None:
    await daemon.started()
    async with Client(daemon.home, start_daemon=False) as client:
        assert client.server_info.pid == daemon.process.pid
        assert (await client.get_status()).pid == daemon.process.pid


async def test_health_is_told_without_a_token(daemon: DaemonProcess) -> None:
    await daemon.started()
    async with aio.insecure_channel(unix_target(daemon.home.operator_socket)) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        told = await health.Check(health_pb2.HealthCheckRequest(), timeout=20)
        assert told.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(aio.AioRpcError) as unknown:
            await health.Check(health_pb2.HealthCheckRequest(service="some.Service"), timeout=20)
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(aio.AioRpcError) as refused:
            await health.List(health_pb2.HealthListRequest(), timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_health_is_watched_until_the_end(daemon: DaemonProcess) -> None:
    await daemon.started()
    async with aio.insecure_channel(unix_target(daemon.home.operator_socket)) as channel:
        token = (("authorization", f"Bearer {daemon.home.viewer_token.read_text().strip()}"),)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), metadata=token)
        answers = aiter(watch)
        assert (await anext(answers)).status == health_pb2.HealthCheckResponse.SERVING
        daemon.send(signal.SIGTERM)
        assert (await anext(answers)).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()


async def test_its_files_are_private(daemon: DaemonProcess) -> None:
    await daemon.started()
    loose = [
        str(path)
        for top in (daemon.home.root, daemon.home.run)
        for path in [top, *top.rglob("*")]
        if path.lstat().st_mode & 0o077
    ]
    assert loose == []
    for path in (daemon.home.operator_socket, daemon.home.runner_socket):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_of_ten_that_start_at_once_one_stays(daemon: DaemonProcess) -> None:
    all_of_them = [daemon, *(DaemonProcess(daemon.home.root) for _ in range(9))]
    for one in all_of_them:
        one.start()
    blocked_until(
        lambda: len([one for one in all_of_them if one.process.poll() is None]) == 1, "nine have ended", seconds=60
    )
    stays = next(one for one in all_of_them if one.process.poll() is None)
    ended = [one.process.returncode for one in all_of_them if one is not stays]
    assert ended == [Exit.ALREADY_RUNNING] * 9
    assert (await stays.answers()).pid == stays.process.pid
    assert daemon.words().count(f"in use by process {stays.process.pid}") > 0
    stays.send(signal.SIGTERM)
    assert stays.ended() == Exit.STOPPED


async def test_a_second_one_names_the_first_and_changes_nothing(daemon: DaemonProcess) -> None:
    await daemon.started()
    token = daemon.home.operator_token.read_text()
    second = DaemonProcess(daemon.home.root).start()
    assert second.ended() == Exit.ALREADY_RUNNING
    assert f"in use by process {daemon.process.pid}" in daemon.words()
    assert daemon.home.operator_token.read_text() == token
    assert (await daemon.answers()).pid == daemon.process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_a_signal_stops_it_and_leaves_nothing(daemon: DaemonProcess, number: signal.Signals) -> None:
    await daemon.started()
    blocked_until(lambda: daemon.runner() is not None, "a runner is started")
    daemon.send(number)
    assert daemon.ended() == Exit.STOPPED
    assert not daemon.home.operator_socket.exists()
    assert not daemon.home.runner_socket.exists()
    assert daemon.processes() == []
    assert daemon.runner() is None


async def test_a_hangup_changes_nothing(daemon: DaemonProcess) -> None:
    await daemon.started()
    daemon.send(signal.SIGHUP)
    assert (await daemon.answers()).pid == daemon.process.pid
    assert (await daemon.status()).pid == daemon.process.pid


async def test_it_answers_before_it_goes(daemon: DaemonProcess) -> None:
    await daemon.started()
    assert (await daemon.shut_down()).pid == daemon.process.pid
    assert daemon.ended() == Exit.STOPPED
    assert not daemon.home.operator_socket.exists()


async def test_a_viewer_cannot_stop_it(daemon: DaemonProcess) -> None:
    await daemon.started()
    with pytest.raises(aio.AioRpcError) as refused:
        await daemon.shut_down("viewer")
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    async with daemon.asked("viewer") as (server, token):
        info = await server.GetServerInfo(server_pb2.GetServerInfoRequest(), metadata=token, timeout=20)
        assert info.role == "viewer"
        assert (await server.GetStatus(server_pb2.GetStatusRequest(), metadata=token, timeout=20)).pid == info.pid


async def test_after_a_kill_the_next_start_works_at_once(daemon: DaemonProcess) -> None:
    token = ""
    for _ in range(scaled(3, 50)):
        await daemon.started()
        token = daemon.home.operator_token.read_text()
        assert daemon.home.operator_socket.exists()
        daemon.send(signal.SIGKILL)
        daemon.ended()
        assert daemon.home.operator_socket.exists()
    await daemon.started()
    assert daemon.home.operator_token.read_text() == token


async def test_stopped_at_any_moment_it_leaves_nothing(daemon: DaemonProcess) -> None:
    moments = random.Random(7)
    for _ in range(scaled(6, 100)):
        daemon.start()
        await asyncio.sleep(moments.uniform(0.0, 1.5))
        daemon.send(signal.SIGTERM)
        assert daemon.ended() in (Exit.STOPPED, -signal.SIGTERM)
        assert not daemon.home.operator_socket.exists()
        blocked_until(lambda: daemon.processes() == [], "no process is left")


async def test_a_log_of_objects(short_tmp: Path) -> None:
    one = DaemonProcess(short_tmp / "home", environment={"LOG_FORMAT": "json", "LOG_LEVEL": "debug"})
    try:
        await one.started()
        one.send(signal.SIGTERM)
        assert one.ended() == Exit.STOPPED
        lines = [json.loads(line) for line in one.words().splitlines()]
        assert {"info"} <= {line["level"] for line in lines}
        assert any(__version__ in line["message"] for line in lines)
    finally:
        one.end_everything()


async def test_no_token_is_in_a_log_an_argument_or_an_environment(daemon: DaemonProcess) -> None:
    await daemon.started()
    await daemon.status()
    tokens = [path.read_text().strip() for path in (daemon.home.operator_token, daemon.home.viewer_token)]
    seen = daemon.words() + (daemon.home.logs / "runner.log").read_text(errors="replace")
    for process in daemon.processes():
        seen += " ".join(process.cmdline()) + json.dumps(process.environ())
    assert [token for token in tokens if token in seen] == []


async def test_sockets_that_are_deleted_come_back(daemon: DaemonProcess) -> None:
    await daemon.started()
    daemon.home.operator_socket.unlink()
    await until(daemon.home.operator_socket.exists, "the socket is there again")
    assert (await daemon.answers()).pid == daemon.process.pid


def _removed(directory: Path) -> bool:
    shutil.rmtree(directory, ignore_errors=True)
    return not directory.exists()


@pytest.mark.parametrize("way", ["removed", "moved away", "replaced"])
async def test_a_home_that_is_taken_away_is_not_served_any_longer(daemon: DaemonProcess, way: str) -> None:
    await daemon.started()
    if way == "removed":
        # It may be writing a file into a directory that is just being emptied.
        blocked_until(lambda: _removed(daemon.home.root), "the home is gone")
    else:
        daemon.home.root.rename(daemon.home.root.with_name("elsewhere"))
    if way == "replaced":
        daemon.home.prepare()
    assert daemon.ended() == Exit.HOME_UNUSABLE
    blocked_until(lambda: daemon.processes() == [], "no process is left")
    assert "the home was removed" in daemon.words()
    assert daemon.home.root.exists() == (way == "replaced")


async def test_started_with_every_standard_descriptor_closed(short_tmp: Path) -> None:
    one = DaemonProcess(short_tmp / "home", ("sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *DAEMON))
    try:
        await one.started()
        assert (await one.status()).store.healthy
        one.send(signal.SIGTERM)
        assert one.ended() == Exit.STOPPED
        assert one.words() == ""
    finally:
        one.end_everything()


async def test_with_a_runtime_directory_of_the_session_sockets_are_there(short_tmp: Path) -> None:
    runtime = short_tmp / "runtime"
    runtime.mkdir(mode=0o700)
    one = DaemonProcess(short_tmp / "home", environment={"XDG_RUNTIME_DIR": str(runtime)})
    one.start()
    try:
        blocked_until(lambda: list(runtime.glob("stigmer-*/operator.sock")), "the socket is in the runtime directory")
        assert not (one.home.root / "run").exists()
    finally:
        one.end_everything()


async def test_what_is_asked_while_it_stops_is_answered_or_refused_and_never_hangs(daemon: DaemonProcess) -> None:
    await daemon.started()
    ended: set[grpc.StatusCode] = set()
    async with daemon.asked() as (server, token):
        daemon.send(signal.SIGTERM)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while daemon.process.poll() is None and not ended:
            assert time.monotonic() < deadline
            try:
                await server.GetServerInfo(server_pb2.GetServerInfoRequest(), metadata=token, timeout=20)
            except aio.AioRpcError as error:
                ended.add(error.code())
    assert ended <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert daemon.ended() == Exit.STOPPED


def test_garbage_on_its_socket_does_not_end_it(daemon: DaemonProcess) -> None:
    daemon.start()
    blocked_until(daemon.home.operator_socket.exists, "it listens")
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(100_000)):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(daemon.home.operator_socket))
            client.settimeout(10)
            try:
                client.sendall(garbage)
                client.recv(65536)
            except OSError:
                continue
    assert asyncio.run(daemon.answers()).pid == daemon.process.pid
