"""Stores as earlier versions left them open for ever, and hold what was put into them.

`golden/structure-N-closed.zip` was closed, `-killed.zip` copied while it was open: its journal has events that no database has. Each was written by the code of
its time: two executions of 100 events and one engine record, one of them settled, and an agent that was changed once. A new structure or format adds its two;
none is ever made again or removed.
"""

import errno
import shutil
import zipfile
from pathlib import Path

import pytest

from stigmer_backend.store import FileLayer, Lane, StateRead, Store, StoreFull, StoreOptions, examine
from stigmer_backend.store.manifest import FORMAT
from tests.store.stores import append, assert_dense, message, opened, read_all

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.zip"))


def test_the_present_structure_has_its_golden_stores() -> None:
    names = {path.stem for path in GOLDEN}
    assert {f"structure-{FORMAT}-closed", f"structure-{FORMAT}-killed"} <= names
    assert len(names) == 2 * FORMAT


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
async def test_a_golden_store_opens_reads_and_goes_on(golden: Path, tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with zipfile.ZipFile(golden) as archive:
        archive.extractall(directory)
    assert not [found for found in examine(directory) if found.problem]

    def look(state: StateRead) -> tuple[list[str], bytes, list[str], int, bytes | None]:
        agent = state.get("agent", "agt-1")
        assert agent is not None
        labelled = state.page("agent", "label\x01team\x01docs")
        executions = [row.id for row in state.page("execution")]
        return executions, agent.data, [row.id for row in labelled], agent.version, state.get_meta("boot")

    for opening in range(2):
        async with opened(directory) as store:
            assert before_upgrade(directory) == (["structure-1"] if "structure-1" in golden.stem else [])
            assert store.report.clean == (golden.stem.endswith("closed") or opening > 0)
            assert not store.report.cuts
            assert await store.read_state(look) == (["aex-b", "aex-a"], b"an agent, changed", ["agt-1"], 2, b"\x01")
            for execution in ("aex-a", "aex-b"):
                found = await read_all(store, execution)
                assert_dense(found)
                assert len(found) == 100 + opening
                assert await read_all(store, execution, Lane.ENGINE) == [message(1)]
                repeated = await store.append([append(execution, 100, step=100)])
                assert repeated[0].duplicate
                if not opening:
                    await store.append([append(execution, 101, step=101)])


def before_upgrade(directory: Path) -> list[str]:
    """What is kept of older structures."""
    return sorted(path.name for path in (directory / "before-upgrade").glob("*"))


async def test_a_store_is_kept_whole_before_its_structure_changes(tmp_path: Path) -> None:
    """A full disk refuses the opening, with nothing changed; what was kept is the store, byte for byte."""
    directory = tmp_path / "data"
    with zipfile.ZipFile(Path(__file__).parent / "golden" / "structure-1-closed.zip") as archive:
        archive.extractall(directory)
    before = contents(directory)

    class Full(FileLayer):
        def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
            if b"STGJRNL1" in data:
                raise OSError(errno.ENOSPC, "full")
            super().write_at(descriptor, data, offset)

    with pytest.raises(StoreFull, match="before an upgrade"):
        await Store.open(directory, options=StoreOptions(files=Full()))
    assert contents(directory) == before
    async with opened(directory) as store:
        assert any("before-upgrade/structure-1" in line for line in store.report.lines())
    kept = contents(directory / "before-upgrade" / "structure-1")
    assert kept == {name: data for name, data in before.items() if name in kept}
    assert kept.keys() >= {"manifest", "state.fs", "events.fs"}
    shutil.copytree(directory / "before-upgrade" / "structure-1", tmp_path / "back")
    async with opened(tmp_path / "back") as store:
        assert len(await read_all(store, "aex-a")) == 100


def contents(directory: Path) -> dict[str, bytes]:
    """Every file of a store that says something, and its bytes."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".index") and path.name != "lock"
    }
