"""A socket's file: a stale one goes, one with somebody behind it stays, only its owner may connect."""

import os
import socket
import stat
from pathlib import Path

import pytest

from stigmer_backend.daemon.sockets import SocketTaken, make_private, make_way, still_there


def _listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(1)
    return listener


def test_where_nothing_is_nothing_happens(short_tmp: Path) -> None:
    make_way(short_tmp / "a.sock")
    assert list(short_tmp.iterdir()) == []


def test_a_socket_that_nobody_listens_on_is_removed(short_tmp: Path) -> None:
    path = short_tmp / "a.sock"
    _listening(path).close()
    assert path.exists()
    make_way(path)
    assert not path.exists()


def test_a_socket_that_somebody_listens_on_stays_and_is_named(short_tmp: Path) -> None:
    path = short_tmp / "a.sock"
    with _listening(path), pytest.raises(SocketTaken, match=r"a\.sock"):
        make_way(path)
    assert path.exists()


def test_a_socket_with_a_full_queue_counts_as_listened_on(short_tmp: Path) -> None:
    path = short_tmp / "a.sock"
    with _listening(path):
        clients = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(8)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(str(path))
        with pytest.raises(SocketTaken):
            make_way(path)
        for client in clients:
            client.close()
    assert path.exists()


def test_a_datagram_socket_counts_as_somebody(short_tmp: Path) -> None:
    path = short_tmp / "a.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        with pytest.raises(SocketTaken):
            make_way(path)


@pytest.mark.parametrize("kind", ["file", "directory", "link to a socket", "dangling link", "fifo"])
def test_another_thing_in_the_way_is_not_removed(short_tmp: Path, kind: str) -> None:
    path = short_tmp / "a.sock"
    match kind:
        case "file":
            path.write_text("kept")
        case "directory":
            path.mkdir()
        case "link to a socket":
            _listening(short_tmp / "other.sock").close()
            path.symlink_to(short_tmp / "other.sock")
        case "dangling link":
            path.symlink_to(short_tmp / "nowhere")
        case _:
            os.mkfifo(path)
    with pytest.raises(SocketTaken, match="in the way"):
        make_way(path)
    assert os.path.lexists(path)


def test_it_is_made_private_and_known_again(short_tmp: Path) -> None:
    path = short_tmp / "a.sock"
    with _listening(path):
        path.chmod(0o777)
        file = make_private(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert still_there(path, file)
        path.unlink()
        assert not still_there(path, file)
        with _listening(path):
            assert not still_there(path, file)
