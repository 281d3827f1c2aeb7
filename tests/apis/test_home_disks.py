"""A disk that holds Stigmer's state and is not mounted is missed; no empty state takes its place."""

import json
from pathlib import Path

import pytest

from stigmer_apis.errors import HomeError
from stigmer_apis.home_disks import Disks, passing_mounts
from stigmer_backend.daemon.exits import Exit
from tests.daemon.process import DaemonProcess


def _disks(tmp_path: Path, mounts: set[Path], passing: frozenset[Path] = frozenset()) -> Disks:
    return Disks(tmp_path / "state" / "disks.json", tmp_path / "person", mounts.__contains__, lambda: passing)


def test_a_disk_of_its_own_is_noted_once_and_missed_when_it_is_away(tmp_path: Path) -> None:
    disk, home = tmp_path / "disk", tmp_path / "disk" / "deep" / "home"
    mounts = {tmp_path, disk}
    disks = _disks(tmp_path, mounts)
    disks.require(home)
    disks.remember(home)
    disks.remember(disk / "other")
    assert json.loads(disks.note.read_bytes()) == [str(disk)]
    disks.require(home)
    mounts.remove(disk)
    with pytest.raises(HomeError, match="on a disk that is not there") as refused:
        disks.require(home)
    assert str(disks.note) in (refused.value.remedy or "")
    disks.require(tmp_path / "diskette" / "home")
    disks.note.write_text("[]")
    disks.require(home)


def test_nothing_is_noted_of_the_persons_own_disk_nor_of_memory(tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    disks = _disks(tmp_path, {tmp_path, memory}, frozenset({memory}))
    for place in (tmp_path / "person" / ".stigmer", tmp_path / "elsewhere", memory / "home"):
        disks.remember(place)
    assert not disks.note.parent.exists()
    assert all(place.is_absolute() for place in passing_mounts())


@pytest.mark.parametrize("written", ["", "{", "{}", '["/x", 7]', "7"])
def test_a_note_that_somebody_wrote_other_things_into_stops_nothing(tmp_path: Path, written: str) -> None:
    disks = _disks(tmp_path, {tmp_path})
    disks.note.parent.mkdir()
    disks.note.write_text(written)
    disks.require(tmp_path / "home")


def test_a_note_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    disks = _disks(tmp_path, {tmp_path, tmp_path / "disk"})
    disks.note.parent.write_text("a file in the way")
    disks.remember(tmp_path / "disk" / "home")


@pytest.mark.parametrize("what", ["home", "data_dir", "storage"])
def test_a_daemon_makes_nothing_where_its_disk_was(short_tmp: Path, what: str) -> None:
    disk, person, state = short_tmp / "disk", short_tmp / "h", short_tmp / "state" / "stigmer"
    for made in (disk, person, state):
        made.mkdir(mode=0o700, parents=True)
    (state / "disks.json").write_text(json.dumps([str(disk)]))
    environment = {"XDG_STATE_HOME": str(state.parent)}
    match what:
        case "data_dir":
            (person / "config.yaml").write_text(f"backend:\n  local:\n    data_dir: {disk}/data\n")
        case "storage":
            (person / "config.yaml").write_text(f"backend:\n  local:\n    storage: file:{disk}/data\n")
        case _:
            person = disk / "h"
    daemon = DaemonProcess(person, log=short_tmp / "server.log", environment=environment)
    try:
        daemon.start()
        assert daemon.ended() == Exit.HOME_UNUSABLE, daemon.words()
        assert f"nothing is mounted at {disk}" in daemon.words()
        assert "Traceback" not in daemon.words()
        assert not list(disk.iterdir())
    finally:
        daemon.end_everything()
