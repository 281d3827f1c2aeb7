"""Which directories may be worked in, what of them can be written, and what in them stays covered."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer_runner.sandbox import (
    CommandRequest,
    ExecutionRequest,
    LayoutRefused,
    Sandbox,
    SandboxKind,
    SandboxLayout,
    ShellState,
    SpawnFailed,
    WorkspaceRefused,
    choose_sandbox,
)
from stigmer_runner.sandbox.mountinfo import Mounted, aliases
from stigmer_runner.sandbox.mounts import hidden_in_etc, pins
from tests.sandbox.driver import Shell, exited, marker
from tests.sandbox.ground import CANARY, SYSTEM_PATH, Ground, Listeners
from tests.support.require import require_tool

REFUSED = [
    ("/", "whole machine"),
    ("relative", "not an absolute path"),
    ("{base}/missing", "does not exist"),
    ("{home}/config.yaml", "not a directory"),
    ("{home}", "Stigmer's own"),
    ("{home}/data", "Stigmer's own"),
    ("{home}/data/workspace", "Stigmer's own"),
    ("{run}", "Stigmer's own"),
    ("{base}/link", "Stigmer's own"),
    ("{home}/data/workspace/../..", "Stigmer's own"),
    ("/usr", "belongs to the system"),
    ("/etc", "belongs to the system"),
    ("/proc/self", "belongs to the system"),
    ("/dev", "belongs to the system"),
    ("/sys/kernel", "belongs to the system"),
    ("/run", "belongs to the system"),
    ("/var", "belongs to the system"),
]


def made(place: str) -> Path:
    """A directory at `place`."""
    path = Path(place)
    path.mkdir(exist_ok=True)
    return path


@pytest.mark.parametrize(("path", "why"), REFUSED)
async def test_a_directory_that_is_no_workspace_is_refused_and_says_why(
    sandbox: Sandbox, ground: Ground, path: str, why: str
) -> None:
    (ground.base / "link").symlink_to(ground.home)
    ground.workspace()
    workspace = Path(path.format(base=ground.base, home=ground.home, run=ground.run))
    with pytest.raises(WorkspaceRefused, match=why):
        await sandbox.start(CommandRequest("true", workspace, ShellState("/"), marker()), lambda _: None)
    with pytest.raises(WorkspaceRefused, match=why):
        await sandbox.execute(ExecutionRequest("true", workspace, marker()))


@pytest.mark.parametrize(
    "place", ["{person}/project", "{person}/with space and 'quote\"", "{base}/ä-€", "{person}/bin"]
)
async def test_a_directory_of_the_persons_is_one(sandbox: Sandbox, ground: Ground, place: str) -> None:
    workspace = made(place.format(person=ground.person, base=ground.base))
    told = await Shell(sandbox, workspace).run("pwd; echo text >written; mkdir -p a/b; cat written")
    assert told.text == f"{workspace}\ntext\n"
    assert (workspace / "written").read_text() == "text\n"
    assert (workspace / "a" / "b").is_dir()


async def test_a_workspace_behind_a_link_is_the_directory_that_it_leads_to(sandbox: Sandbox, ground: Ground) -> None:
    real = ground.person / "project"
    real.mkdir()
    (ground.base / "link").symlink_to(real)
    assert (await Shell(sandbox, ground.base / "link").run("pwd -P; touch here")).text == f"{real}\n"
    assert (real / "here").exists()


@pytest.fixture
def shared_memory() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="stigmer-test-", dir="/dev/shm"))
    yield place
    shutil.rmtree(place)


async def test_shared_memory_is_a_workspace_where_a_directory_in_it_is_named(
    sandbox: Sandbox, shared_memory: Path
) -> None:
    assert exited(await Shell(sandbox, shared_memory).run("touch here && ls"))
    assert (shared_memory / "here").exists()


@pytest.mark.parametrize("inside", ["home", "run", "both"])
async def test_without_walls_a_workspace_around_stigmers_directories_is_refused(ground: Ground, inside: str) -> None:
    home = ground.home if inside != "run" else ground.base / "elsewhere"
    run = ground.run if inside != "home" else ground.base / "elsewhere2"
    for place in (home, run):
        place.mkdir(exist_ok=True)
    around = ground.base if inside == "both" else {"home": ground.person, "run": ground.run.parent}[inside]
    layout = SandboxLayout(home, run, ground.person, SYSTEM_PATH)
    sandbox = await choose_sandbox(layout, SandboxKind.NONE)
    with pytest.raises(WorkspaceRefused, match="holds Stigmer's secrets"):
        await Shell(sandbox, around).run("true")
    await sandbox.close()


FIND = f"""
grep -rlF {CANARY} "$PLACE" 2>/dev/null
python3 -c 'import os, socket
for place, _, names in os.walk(os.environ["PLACE"]):
  for name in names:
    if name.endswith(".sock"):
      with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.join(place, name)); print("connected")'
echo searched
"""


async def test_with_walls_they_are_covered_in_it(walled: Sandbox, ground: Ground) -> None:
    for hidden in (ground.person / ".ssh" / "id_ed25519", ground.person / ".netrc", ground.person / ".bash_history"):
        hidden.unlink()  # in a workspace the person's own files are meant to be seen
    listeners = Listeners([ground.socket])
    shell = Shell(walled, ground.base)
    shell.environment = {"PLACE": str(ground.base)}
    outside = await choose_sandbox(ground.layout(), SandboxKind.NONE)
    control = await outside.execute(ExecutionRequest(FIND, ground.workspace(), marker(), environment=shell.environment))
    assert str(ground.token).encode() in control.stdout
    assert b"connected" in control.stdout
    assert (await shell.run(FIND)).text == "searched\n"
    assert (await shell.run("echo mine >person/documents/note; cat person/documents/note")).text == "mine\n"
    assert (ground.outside / "note").read_text() == "mine\n"
    listeners.close()
    await outside.close()


MOVES = [
    "mv {home} {home}.away",
    "mv {deep} {deep}.away; mkdir -p {home} {run}",
    "mv {deep}/state {deep}/elsewhere; mkdir -p {home} {run}",
    "rmdir {home}; rm -rf {deep}; ln -s /tmp {deep}",
    "mv -T --exchange {deep} {base}/decoy",
    "perl -e 'syscall(316, -100, $ARGV[0], -100, $ARGV[1], 2)' {deep} {base}/decoy",
]
"""Ways to move what is covered from under its cover, so that the next command sees it."""


@pytest.mark.parametrize("move", MOVES)
async def test_what_is_covered_cannot_be_moved_from_under_its_cover(ground: Ground, move: str) -> None:
    require_tool("bwrap")
    deep = ground.base / "deep"
    home, run = deep / "state" / "stigmer", deep / "state" / "run"
    (ground.base / "decoy" / "state").mkdir(parents=True)
    for place in (home, run):
        place.mkdir(parents=True)
        (place / "token").write_text("canary-of-the-covered")
    sandbox = await choose_sandbox(SandboxLayout(home, run, ground.person, SYSTEM_PATH), SandboxKind.BUBBLEWRAP)
    shell = Shell(sandbox, ground.base)
    await shell.run(move.format(home=home, run=run, deep=deep, base=ground.base))
    assert (home / "token").read_text() == (run / "token").read_text() == "canary-of-the-covered"
    assert (await shell.run(f"grep -rl canary-of-the-covered {ground.base}; echo searched")).text == "searched\n"
    await sandbox.close()


def test_the_way_to_a_covered_directory_is_pinned() -> None:
    workspace = Path("/home/me")
    assert pins(Path("/home/me/.stigmer"), workspace) == []
    assert pins(Path("/home/me/a/b/stigmer"), workspace) == [Path("/home/me/a/b"), Path("/home/me/a")]
    assert pins(Path("/var/stigmer"), workspace) == []


def test_a_directory_is_known_by_its_other_names() -> None:
    table = [
        Mounted("8:1", Path("/"), Path("/")),
        Mounted("8:1", Path("/home"), Path("/mnt/homes")),
        Mounted("8:2", Path("/"), Path("/other")),
        Mounted("8:1", Path("/home/me/.stigmer/run"), Path("/srv/run")),
    ]
    directory = Path("/home/me/.stigmer")
    known = {"/mnt/homes/me/.stigmer", "/home/me/.stigmer"}

    def named(path: Path) -> list[str]:
        return [str(name) for name in aliases(path, table, exists=lambda name: str(name) in known)]

    assert named(directory) == ["/mnt/homes/me/.stigmer"]
    assert named(Path("/mnt/homes/me/.stigmer")) == ["/home/me/.stigmer"]
    assert named(Path("/other/x")) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")
def test_a_second_mount_of_stigmers_directory_is_covered_too(ground: Ground) -> None:
    """Run in a namespace of mounts of its own, so that this machine keeps its mounts."""
    require_tool("bwrap")
    (ground.base / "alias").mkdir()
    code = f"""
import asyncio, subprocess
from pathlib import Path
from stigmer_runner.sandbox import SandboxKind, choose_sandbox
from tests.sandbox.driver import Shell
from tests.sandbox.ground import CANARY, Ground
subprocess.run(["mount", "--make-rprivate", "/"], check=True)
subprocess.run(["mount", "--bind", "{ground.person}", "{ground.base}/alias"], check=True)
async def main():
    ground = Ground(Path("{ground.base}"))
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.BUBBLEWRAP)
    told = await Shell(sandbox, ground.base / "alias").run("ls; cat .stigmer/config.yaml; cat .stigmer/data/state.fs")
    print(told.text)
    await sandbox.close()
asyncio.run(main())
"""
    told = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "documents" in told.stdout
    assert CANARY not in told.stdout


async def test_another_sessions_tmp_is_not_seen_and_the_own_one_outlives_a_line(
    walled: Sandbox, ground: Ground
) -> None:
    shell = Shell(walled, ground.workspace())
    (ground.scratch / "one").mkdir()
    await shell.run("echo text >/tmp/file", scratch=ground.scratch / "one")
    assert (await shell.run("cat /tmp/file /var/tmp/file", scratch=ground.scratch / "one")).text == "text\ntext\n"
    assert (await shell.run("ls -A /tmp | grep file")).text == ""
    assert (ground.scratch / "one" / "file").read_text() == "text\n"
    assert "file" not in os.listdir("/tmp")


async def test_a_scratch_that_is_not_there_is_an_error(sandbox: Sandbox, ground: Ground) -> None:
    if not sandbox.description.whole:
        assert exited(await Shell(sandbox, ground.workspace()).run("true"))
        return
    with pytest.raises(SpawnFailed, match="nowhere"):
        await Shell(sandbox, ground.workspace()).run("true", scratch=ground.base / "nowhere")


LAYOUTS = [
    ({"home": "{base}/missing"}, "is not a directory"),
    ({"run_directory": "{base}/missing"}, "is not a directory"),
    ({"home": "/"}, "contains the system"),
    ({"home": "/usr"}, "contains the system"),
    ({"run_directory": "/run"}, "contains the system"),
    ({"run_directory": "{home}/data/workspace/session"}, "among the workspaces"),
    ({"person_home": "relative"}, "not an absolute path"),
]


@pytest.mark.parametrize(("change", "why"), LAYOUTS)
async def test_directories_that_cannot_be_kept_apart_are_refused(
    ground: Ground, change: dict[str, str], why: str
) -> None:
    ground.workspace()
    changed = {name: Path(value.format(base=ground.base, home=ground.home)) for name, value in change.items()}
    layout = SandboxLayout(
        changed.get("home", ground.home),
        changed.get("run_directory", ground.run),
        changed.get("person_home", ground.person),
        SYSTEM_PATH,
    )
    with pytest.raises(LayoutRefused, match=why):
        await choose_sandbox(layout)


def test_what_everybody_may_not_read_is_hidden_in_etc(tmp_path: Path) -> None:
    (tmp_path / "open").write_text("")
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "shadow").write_text("")
    (tmp_path / "shadow").chmod(0o640)
    (tmp_path / "private").mkdir(mode=0o700)
    (tmp_path / "private" / "key").write_text("")
    (tmp_path / "service").mkdir(mode=0o755)
    (tmp_path / "service" / "key").write_text("")
    (tmp_path / "service" / "key").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "shadow")
    hidden = {mount.target.relative_to(tmp_path): mount.source for mount in hidden_in_etc(tmp_path)}
    assert hidden == {
        Path("shadow"): Path("/dev/null"),
        Path("private"): None,
        Path("service/key"): Path("/dev/null"),
    }


async def test_description_lists_what_is_mounted(walled: Sandbox, ground: Ground) -> None:
    mounted = {str(mount.target): mount.kind.value for mount in walled.description.mounts}
    assert mounted["/usr"] == "read-only"
    assert mounted["/tmp"] == mounted[str(ground.person)] == "empty"
    assert mounted[str(ground.home)] == mounted[str(ground.run)] == "hidden"
    assert mounted[str(ground.person / ".gitconfig")] == "read-only"
    assert walled.description.walls
    assert walled.description.reason == ""
