"""Where state lives, and what is said of a home that cannot hold it."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_apis.errors import HomeError
from stigmer_apis.home import Home
from stigmer_apis.home_checks import explain
from tests.apis.persons import somebody_else
from tests.support.require import require_tool


def test_the_environment_names_the_home(tmp_path: Path) -> None:
    assert Home.from_environment({"HOME": str(tmp_path)}).root == tmp_path / ".stigmer"
    assert Home.from_environment({"HOME": str(tmp_path), "STIGMER_HOME": "~/x"}).root == tmp_path / "x"
    assert Home.from_environment({"STIGMER_HOME": str(tmp_path / "y")}).root == tmp_path / "y"
    assert Home.from_environment({}).root.name == ".stigmer"
    with pytest.raises(HomeError, match="NUL"):
        Home.from_environment({"STIGMER_HOME": "a\0b"})


def test_a_relative_home_and_one_behind_links_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert Home.from_environment({"STIGMER_HOME": "link"}) == Home.at(tmp_path / "real", {})


def test_sockets_live_in_the_runtime_directory_where_it_is_ours(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    environ = {"XDG_RUNTIME_DIR": str(runtime)}
    one, two = Home.at(tmp_path / "one", environ), Home.at(tmp_path / "two", environ)
    assert one.run.parent == runtime
    assert one.run.name.startswith("stigmer-")
    assert len(one.run.name) == len("stigmer-") + 12
    assert one.run != two.run
    for other in ("", "relative", str(tmp_path / "nowhere"), "/dev/null", "a\0b"):
        assert Home.at(tmp_path / "one", {"XDG_RUNTIME_DIR": other}).run == tmp_path / "one" / "run"


def test_preparing_makes_private_directories(short_tmp: Path) -> None:
    home = Home.at(short_tmp / "deep" / "home", {})
    home.prepare()
    for path in (home.root, home.data, home.run, home.logs):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    home.root.chmod(0o755)
    home.prepare()
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    assert not list(home.data.iterdir())
    assert home.workspaces == home.data / "workspace"
    assert {p.parent for p in (home.operator_socket, home.runner_socket, home.start_lock, home.shell_state)} == {
        home.run
    }
    assert {p.parent for p in (home.operator_token, home.viewer_token)} == {home.run}


def refused(home: Home) -> HomeError:
    with pytest.raises(HomeError) as caught:
        home.prepare()
    assert caught.value.remedy
    return caught.value


def test_a_path_too_long_for_a_socket(short_tmp: Path) -> None:
    error = refused(Home.at(short_tmp / ("x" * 90), {}))
    assert "a socket's path may have 100" in error.message
    assert error.remedy.startswith("set STIGMER_HOME or XDG_RUNTIME_DIR to a shorter path")
    assert not (short_tmp / ("x" * 90)).exists()


def test_a_path_of_many_bytes_counts_bytes(short_tmp: Path) -> None:
    assert "bytes" in refused(Home.at(short_tmp / ("ü" * 45), {})).message


@pytest.mark.parametrize("name", ["", "data", "run", "logs"])
def test_what_is_not_a_directory(short_tmp: Path, name: str) -> None:
    root = short_tmp / "home"
    if name:
        root.mkdir()
    (root / name).write_text("") if name else root.write_text("")
    error = refused(Home.at(root, {}))
    assert error.message == f"{root / name} is not a directory"


def test_a_part_of_the_path_that_is_not_a_directory(short_tmp: Path) -> None:
    (short_tmp / "file").write_text("")
    error = refused(Home.at(short_tmp / "file" / "home", {}))
    assert "a part of the path is not a directory" in error.message


def test_a_run_directory_that_is_a_link(short_tmp: Path) -> None:
    home = Home.at(short_tmp / "home", {})
    (short_tmp / "elsewhere").mkdir(mode=0o700)
    home.root.mkdir()
    home.run.symlink_to(short_tmp / "elsewhere")
    assert "is a symbolic link" in refused(home).message


def test_a_home_where_one_may_not_write(short_tmp: Path) -> None:
    root = short_tmp / "home"
    root.mkdir(mode=0o755)
    root.chmod(0o555)
    short_tmp.chmod(0o755)
    with somebody_else():
        error = refused(Home.at(root, {}))
    if os.geteuid() == 0:
        assert "belongs to root" in error.message
    else:
        assert "permission is missing" in error.message
    root.chmod(0o700)


def test_a_home_that_cannot_be_made(short_tmp: Path) -> None:
    short_tmp.chmod(0o555)
    with somebody_else():
        error = refused(Home.at(short_tmp / "home", {}))
    assert error.message == f"cannot make the directory {short_tmp / 'home'}: permission is missing"
    short_tmp.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_home_of_somebody_elses(short_tmp: Path) -> None:
    root = short_tmp / "home"
    root.mkdir()
    os.chown(root, 12345, 12345)
    error = refused(Home.at(root, {}))
    assert error.message == f"{root} belongs to user 12345, and this process runs as root"
    assert "run as user 12345" in error.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_disk(short_tmp: Path) -> None:
    require_tool("unshare")
    script = (
        "mount -t tmpfs -o size=64k none {0} && mkdir -m 700 {0}/home && (cat /dev/zero > {0}/fill 2>/dev/null; true) && "
        "PYTHONPATH={1} {2} -c \"from pathlib import Path; from stigmer_apis.home import Home; Home.at(Path('{0}/home'), {{}}).prepare()\""
    )
    package = Path(__file__).parents[2] / "apis"
    command = ["unshare", "-m", "sh", "-c", script.format(short_tmp, package, sys.executable)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "the disk is full" in done.stderr


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the file system is read-only"),
        (errno.ELOOP, "its symbolic links lead in a circle"),
        (errno.ENAMETOOLONG, "the path is too long"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_errors_of_the_system_are_told_with_their_path(number: int, words: str) -> None:
    error = explain(OSError(number, os.strerror(number)), Path("/x/y"), "write in")
    assert error.message == f"cannot write in /x/y: {words}"
    assert "STIGMER_HOME" in error.remedy
