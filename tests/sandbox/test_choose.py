"""Which sandbox a machine gets, and what is said where it gets none."""

from pathlib import Path

import pytest

from stigmer_runner.sandbox import SandboxKind, SpawnFailed, choose_sandbox, landlock, seccomp
from stigmer_runner.sandbox.bubblewrap import Bubblewrap, Features
from stigmer_runner.sandbox.mounts import FileTree
from stigmer_runner.sandbox.programs import TRUSTED_PATH, Find, find, find_programs
from tests.sandbox.driver import Shell, exited
from tests.sandbox.ground import Ground, kinds, require_landlock
from tests.support.require import require_tool


def fake(directory: Path, name: str, text: str) -> None:
    """A program that stands in for a real one on a machine that is not ours."""
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{text}\n")
    (directory / name).chmod(0o755)


async def test_the_best_that_works_is_chosen(ground: Ground) -> None:
    require_tool("bwrap")
    sandbox = await choose_sandbox(ground.layout())
    assert sandbox.kind is SandboxKind.BUBBLEWRAP
    await sandbox.close()


def without(*names: str) -> Find:
    """Finds programs on a machine that lacks `names`."""
    return lambda name: None if name in names else find(name)


async def test_without_bubblewrap_landlock_takes_its_place_and_it_says_what_to_install(ground: Ground) -> None:
    require_landlock()
    sandbox = await choose_sandbox(ground.layout(), find=without("bwrap"), walls=True)
    told = sandbox.description
    assert (sandbox.kind, told.walls, told.whole) == (SandboxKind.LANDLOCK, True, False)
    assert told.reason.endswith("for bubblewrap is not installed: install the package bubblewrap")
    assert any("names and arguments of all processes" in gap for gap in told.gaps)
    assert exited(await Shell(sandbox, ground.workspace()).run("true"))
    await sandbox.close()
    with pytest.raises(SpawnFailed, match="not installed"):
        await choose_sandbox(ground.layout(), SandboxKind.BUBBLEWRAP, without("bwrap"))


async def test_with_neither_there_are_no_walls_and_both_reasons_are_told(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 2)  # a kernel that is not ours
    sandbox = await choose_sandbox(ground.layout(), find=without("bwrap"))
    assert (sandbox.kind, sandbox.description.walls) == (SandboxKind.NONE, False)
    assert "bubblewrap is not installed" in sandbox.description.reason
    assert "Linux from 6.2 on" in sandbox.description.reason
    assert exited(await Shell(sandbox, ground.workspace()).run("true"))
    await sandbox.close()
    with pytest.raises(SpawnFailed, match="good enough"):
        await choose_sandbox(ground.layout(), find=without("bwrap"), walls=True)
    with pytest.raises(SpawnFailed, match="good enough"):
        await choose_sandbox(ground.layout(), SandboxKind.LANDLOCK)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1", "setting up uid map: Permission denied"),
        ('while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done; shift; exec "$@"', "config.yaml|shows|can be written"),
        ("echo stands nearly", "stands nearly"),
    ],
)
async def test_a_bubblewrap_that_does_not_work_or_does_not_hide_is_not_used(
    ground: Ground, text: str, said: str
) -> None:
    fakes = ground.base / "fakes"
    fake(fakes, "bwrap", text)

    def find_fake(name: str) -> str | None:
        return str(fakes / name) if name == "bwrap" else find(name)

    sandbox = await choose_sandbox(ground.layout(), find=find_fake)
    assert sandbox.kind is not SandboxKind.BUBBLEWRAP
    assert any(words in sandbox.description.reason for words in said.split("|")), sandbox.description.reason
    await sandbox.close()


async def test_a_bubblewrap_on_the_persons_path_is_not_trusted(ground: Ground) -> None:
    require_tool("bwrap")
    evil = ground.workspace() / "bin"
    for name in ("bwrap", "setsid", "sh", "bash"):
        fake(evil, name, f'touch {ground.outside}/ran; exec /usr/bin/{name} "$@"')
    ground.path = f"{evil}:{ground.path}"
    for kind in kinds():
        sandbox = await choose_sandbox(ground.layout(), kind)
        assert exited(await Shell(sandbox, ground.workspace()).run("export PATH=/nowhere"))
        await sandbox.close()
    assert not (ground.outside / "ran").exists()


def test_programs_are_found_in_the_systems_directories_alone() -> None:
    assert all(entry.startswith("/") for entry in TRUSTED_PATH.split(":"))
    assert find("sh") is not None
    assert find("no-such-program") is None


@pytest.mark.parametrize("missing", ["sh", "setsid"])
async def test_a_program_that_every_sandbox_needs_is_named(ground: Ground, missing: str) -> None:
    with pytest.raises(SpawnFailed, match=f"the program '{missing}' is not in"):
        await choose_sandbox(ground.layout(), find=without(missing))


GAPS: list[tuple[Features, list[str]]] = [
    (Features("/usr/bin/bwrap", ("--unshare-user", "--disable-userns"), bind_fd=True, scopes=True), []),
    (
        Features("/usr/bin/bwrap", ("--unshare-user",), bind_fd=True, scopes=False),
        ["abstract sockets", "user namespaces"],
    ),
    (Features("/usr/bin/bwrap", (), bind_fd=False, scopes=True), ["abstract sockets", "user namespaces"]),
]


@pytest.mark.parametrize(("features", "gaps"), GAPS)
def test_a_sandbox_says_what_it_does_not_keep_out(ground: Ground, features: Features, gaps: list[str]) -> None:
    walls = Bubblewrap(find_programs(find), features, FileTree(ground.layout()))
    said = walls.description.gaps
    assert len(said) == len(gaps)
    assert all(gap in sentence for gap, sentence in zip(gaps, said, strict=True))


def test_the_filter_of_calls_is_known_for_the_usual_machines_alone() -> None:
    for machine in ("x86_64", "aarch64"):
        program = seccomp.refusing_filter(machine)
        assert program is not None
        assert len(program) % 8 == 0
    assert seccomp.refusing_filter("z80") is None
