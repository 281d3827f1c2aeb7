"""What the daemon cannot live with ends it with a code of its own and words that say how to mend it, with nothing half-done."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_apis.client import Client
from stigmer_apis.errors import StigmerError
from stigmer_backend.daemon.exits import Exit
from stigmer_backend.store import FileLayer, manifest
from tests.access.waiting import blocked_until
from tests.daemon import as_nobody
from tests.daemon.process import DaemonProcess

NOBODY = 65534
AS_ROOT = os.geteuid() == 0


def _refused(daemon: DaemonProcess, code: Exit) -> str:
    """Start it, see it end with `code`, and return its last line. It made no socket."""
    daemon.start()
    assert daemon.ended() == code, daemon.words()
    assert not daemon.home.operator_socket.is_socket()
    words = daemon.words()
    assert "Traceback" not in words
    return words.splitlines()[-1]


def test_a_home_that_is_a_file(daemon: DaemonProcess) -> None:
    daemon.home.root.write_text("a file of somebody")
    words = _refused(daemon, Exit.HOME_UNUSABLE)
    assert str(daemon.home.root) in words
    assert "STIGMER_HOME" in words
    assert daemon.home.root.read_text() == "a file of somebody"


def test_a_home_with_a_file_on_the_way(daemon: DaemonProcess) -> None:
    daemon.home.root.mkdir()
    (daemon.home.root / "data").write_text("not a directory")
    assert "data" in _refused(daemon, Exit.HOME_UNUSABLE)


def test_a_home_with_too_long_a_path(short_tmp: Path) -> None:
    one = DaemonProcess(short_tmp / ("h" * 100))
    try:
        words = _refused(one, Exit.HOME_UNUSABLE)
        assert "bytes" in words
        assert "shorter" in words
    finally:
        one.end_everything()


def test_a_home_of_somebody_else(daemon: DaemonProcess) -> None:
    if AS_ROOT:
        daemon.home.root.mkdir()
        os.chown(daemon.home.root, NOBODY, NOBODY)
    else:
        daemon = DaemonProcess(Path("/usr"), log=daemon.home.root.parent / "server.log")
    assert "belongs to" in _refused(daemon, Exit.HOME_UNUSABLE)


def test_a_home_that_may_not_be_written(short_tmp: Path) -> None:
    locked = short_tmp / "locked"
    locked.mkdir(mode=0o755)
    short_tmp.chmod(0o755)
    if AS_ROOT:
        one = DaemonProcess(locked / "home", (sys.executable, as_nobody.__file__))
    else:
        locked.chmod(0o500)
        one = DaemonProcess(locked / "home")
    try:
        words = _refused(one, Exit.HOME_UNUSABLE)
        assert "permission" in words
    finally:
        locked.chmod(0o700)
        one.end_everything()


@pytest.fixture
def ordinary(short_tmp: Path) -> Iterator[DaemonProcess]:
    """The daemon of an ordinary user, also where the tests run as root."""
    theirs = short_tmp / "theirs"
    theirs.mkdir()
    one = DaemonProcess(theirs / "home")
    if AS_ROOT:
        short_tmp.chmod(0o755)
        os.chown(theirs, NOBODY, NOBODY)
        one = DaemonProcess(theirs / "home", (sys.executable, as_nobody.__file__))
    yield one
    one.end_everything()


async def test_an_ordinary_user_is_served_like_root(ordinary: DaemonProcess) -> None:
    await ordinary.started()
    assert ordinary.home.operator_socket.stat().st_uid != 0
    assert (await ordinary.status()).store.healthy


@pytest.mark.parametrize("garbage", [b"garbage", b"{}", b"\xff\x00", b""])
def test_garbage_in_the_token_file(daemon: DaemonProcess, garbage: bytes) -> None:
    daemon.home.prepare()
    file = daemon.home.data / "tokens.json"
    file.write_bytes(garbage)
    words = _refused(daemon, Exit.TOKENS_UNREADABLE)
    assert str(file) in words
    assert "Delete it" in words
    assert file.read_bytes() == garbage


async def test_a_stale_socket(daemon: DaemonProcess) -> None:
    daemon.home.prepare()
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(daemon.home.operator_socket))
    await daemon.started()


def test_a_socket_that_somebody_else_listens_on(daemon: DaemonProcess) -> None:
    daemon.home.prepare()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(daemon.home.operator_socket))
        other.listen()
        daemon.start()
        assert daemon.ended() == Exit.SOCKET_TAKEN
        assert str(daemon.home.operator_socket) in daemon.words().splitlines()[-1]
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(daemon.home.operator_socket))


def test_something_else_in_the_place_of_a_socket(daemon: DaemonProcess) -> None:
    daemon.home.prepare()
    daemon.home.runner_socket.write_text("kept")
    assert "in the way" in _refused(daemon, Exit.SOCKET_TAKEN)
    assert daemon.home.runner_socket.read_text() == "kept"


@pytest.mark.parametrize(
    ("environment", "words"),
    [({"LOG_LEVEL": "loud"}, "LOG_LEVEL"), ({"LOG_FORMAT": "xml"}, "LOG_FORMAT")],
    ids=["level", "format"],
)
def test_a_setting_that_means_nothing(short_tmp: Path, environment: dict[str, str], words: str) -> None:
    one = DaemonProcess(short_tmp / "home", environment=environment)
    try:
        said = _refused(one, Exit.USAGE)
        assert words in said
        assert "choose one of" in said
    finally:
        one.end_everything()


def test_an_argument_that_means_nothing(short_tmp: Path) -> None:
    one = DaemonProcess(short_tmp / "home", (sys.executable, "-m", "stigmer_backend.daemon", "--loud"))
    try:
        assert "--loud" in _refused(one, Exit.USAGE)
    finally:
        one.end_everything()


async def test_a_newer_store(daemon: DaemonProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    await daemon.started()
    daemon.process.terminate()
    assert daemon.ended() == Exit.STOPPED
    written = manifest.read_manifest(daemon.home.data)
    assert written is not None
    with monkeypatch.context() as newer:
        newer.setattr(manifest, "FORMAT", manifest.FORMAT + 1)
        packed = replace(written, databases=("state.2.fs", "events.fs"))  # Else an older version reads it, too.
        manifest.write_manifest(daemon.home.data, packed, FileLayer())
    before = {path: path.read_bytes() for path in daemon.home.data.rglob("*") if path.is_file() and path.name != "lock"}
    words = _refused(daemon, Exit.STORE_NEWER)
    assert "newer" in words
    assert {path: path.read_bytes() for path in before} == before


async def test_a_store_with_a_file_missing(daemon: DaemonProcess) -> None:
    await daemon.started()
    daemon.process.terminate()
    assert daemon.ended() == Exit.STOPPED
    (daemon.home.data / "state.fs").unlink()
    assert "state.fs" in _refused(daemon, Exit.STORE_DAMAGED)
    assert not (daemon.home.data / "state.fs").exists()


async def test_a_disk_whose_syncs_fail(short_tmp: Path) -> None:
    one = DaemonProcess(
        short_tmp / "home",
        (sys.executable, "-m", "tests.daemon.failing_store"),
        environment={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        await one.started()
        (short_tmp / "fail").touch()
        async with Client(one.home, start_daemon=False) as client:
            asking = asyncio.create_task(client.run("shell", "true"))
            await asyncio.to_thread(one.ended)
            asking.cancel()
            with suppress(asyncio.CancelledError, StigmerError):
                await asking
        assert one.ended() == Exit.STORE_STOPPED
        assert "the store stopped" in one.words()
        (short_tmp / "fail").unlink()
        await one.started()
        assert (await one.status()).store.healthy
    finally:
        one.end_everything()
    blocked_until(lambda: one.processes() == [], "nothing is left")
