"""Opening a store: what is made, what is refused, and what another opening is told."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from stigmer_backend.store import (
    DatabaseMissing,
    FileLayer,
    FormatTooNew,
    JournalDamaged,
    ManifestDamaged,
    OpenRefused,
    Store,
    StoreClosed,
    StoreDamaged,
    StoreLocked,
    UnknownExecution,
    examine,
    mark_restored,
)
from stigmer_backend.store.journal import journal_numbers, journal_path
from stigmer_backend.store.manifest import DATABASES, FORMAT
from tests.store.stores import append, assert_dense, create, opened, read_all

A = "aex-a"

OPEN = "import asyncio, pathlib, sys; from stigmer_backend.store import Store; asyncio.run(Store.open(pathlib.Path(sys.argv[1])))"


def python(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def open_files() -> int:
    """How many descriptors this process has, or 0 where that is not told."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


async def fill(directory: Path) -> None:
    """A store with something in it, closed."""
    async with opened(directory) as store:
        await create(store, A)
        await store.append([append(A, 2, 5, step=2)])


def rewrite_manifest(directory: Path, **fields: object) -> None:
    """Change fields of the manifest, as somebody who knows its CRC may."""
    path = directory / "manifest"
    line = json.dumps({**json.loads(path.read_bytes().splitlines()[0]), **fields}).encode()
    path.write_bytes(line + b"\n" + b"crc32 %08x\n" % zlib.crc32(line))


async def test_everything_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "data"
    before = os.umask(0)
    try:
        async with opened(directory) as store:
            await create(store, A)
            found = [path for path in directory.rglob("*") if path.is_file()]
            assert {path.name for path in found} >= {"manifest", "lock", "state.fs", "events.fs", "0000000001.wal"}
            assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
            assert {stat.S_IMODE(path.stat().st_mode) for path in [directory, directory / "journal"]} == {0o700}
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*") if path.is_file()} == {0o600}


async def test_a_second_opening_is_told_who_has_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
            await Store.open(tmp_path)
        other = await asyncio.to_thread(python, OPEN, str(tmp_path))
        assert other.returncode != 0
        assert f"process {os.getpid()}" in other.stderr
        await create(store, A)
    async with opened(tmp_path) as store:
        assert_dense(await read_all(store, A))


async def test_the_incarnation_stays_over_a_clean_close_and_a_kill(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as store:
        await create(store, A)
        first = store.incarnation
        assert store.report.created
        shutil.copytree(tmp_path / "data", tmp_path / "killed")
    for directory in (tmp_path / "data", tmp_path / "killed"):
        async with opened(directory) as store:
            assert store.incarnation == first
            assert not store.report.incarnation_changed
            assert store.report.clean == (directory.name == "data")


async def test_the_incarnation_changes_after_a_power_cut_and_after_a_failure(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as store:
        await create(store, A)
        first = store.incarnation
        for name in ("power", "failed"):
            shutil.copytree(tmp_path / "data", tmp_path / name)
    rewrite_manifest(tmp_path / "power", boot="another start of the machine")
    rewrite_manifest(tmp_path / "failed", left="failed")
    for name in ("power", "failed"):
        async with opened(tmp_path / name) as store:
            assert store.incarnation != first
            assert store.report.incarnation_changed
            second = store.incarnation
            assert_dense(await read_all(store, A))
        async with opened(tmp_path / name) as store:
            assert store.incarnation == second
    rewrite_manifest(tmp_path / "data", boot="another start of the machine")
    async with opened(tmp_path / "data") as store:
        assert store.incarnation == first


async def test_a_restored_copy_is_another_incarnation(tmp_path: Path) -> None:
    await fill(tmp_path / "data")
    shutil.copytree(tmp_path / "data", tmp_path / "restored")
    mark_restored(tmp_path / "restored", "f" * 32, FileLayer())
    async with opened(tmp_path / "restored") as store:
        assert store.incarnation == "f" * 32
        assert_dense(await read_all(store, A))
    with pytest.raises(DatabaseMissing, match="manifest"):
        mark_restored(tmp_path / "nothing", "f" * 32, FileLayer())


@pytest.mark.parametrize("name", ["state.fs", "events.fs", "journal", "journal/0000000001.wal"])
async def test_what_the_manifest_names_is_never_replaced_by_an_empty_one(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path / "data") as store:
        await create(store, A)
        shutil.copytree(tmp_path / "data", tmp_path / "copy")
    path = tmp_path / "copy" / name
    kept = tmp_path / "kept"
    shutil.move(path, kept)
    for _ in range(2):
        with pytest.raises(DatabaseMissing, match=path.name.split(".")[0]):
            await Store.open(tmp_path / "copy")
        assert not path.exists()
    shutil.move(kept, path)
    async with opened(tmp_path / "copy") as store:
        assert_dense(await read_all(store, A))


@pytest.mark.parametrize("name", ["state.fs", "events.fs"])
async def test_an_empty_or_foreign_database_is_refused(tmp_path: Path, name: str) -> None:
    await fill(tmp_path / "data")
    for content in (b"", b"FS30", b"SQLite format 3\0" * 100):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(tmp_path / "data", tmp_path / "copy")
        for side in ("", ".index", ".digest"):
            (tmp_path / "copy" / f"{name}{side}").unlink()
        (tmp_path / "copy" / name).write_bytes(content)
        with pytest.raises(StoreDamaged, match=name):
            await Store.open(tmp_path / "copy")
        assert (tmp_path / "copy" / name).read_bytes() == content


async def test_a_missing_manifest_beside_data_is_refused(tmp_path: Path) -> None:
    await fill(tmp_path)
    (tmp_path / "manifest").unlink()
    with pytest.raises(DatabaseMissing, match="manifest is missing"):
        await Store.open(tmp_path)
    assert not (tmp_path / "manifest").exists()


async def test_a_manifest_with_any_byte_changed_is_refused(tmp_path: Path) -> None:
    await fill(tmp_path)
    path = tmp_path / "manifest"
    whole = path.read_bytes()
    for changed in [whole[:size] for size in range(len(whole))] + [
        whole[:offset] + bytes((whole[offset] ^ 1 << offset % 7,)) + whole[offset + 1 :] for offset in range(len(whole))
    ]:
        path.write_bytes(changed)
        with pytest.raises(ManifestDamaged):
            await Store.open(tmp_path)
    path.write_bytes(whole)
    async with opened(tmp_path) as store:
        assert_dense(await read_all(store, A))


async def test_a_newer_format_is_refused_with_the_version_that_it_needs(tmp_path: Path) -> None:
    await fill(tmp_path)
    rewrite_manifest(tmp_path, format=FORMAT + 1, needs="7.3.0", left="something new")
    with pytest.raises(FormatTooNew, match=r"7\.3\.0"):
        await Store.open(tmp_path)
    rewrite_manifest(tmp_path, format=FORMAT, left="something new")
    with pytest.raises(ManifestDamaged, match="something new"):
        await Store.open(tmp_path)


async def test_a_refused_opening_leaves_nothing_open(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as store:
        await create(store, A)
        shutil.copytree(tmp_path / "data", tmp_path / "copy")
    journal = tmp_path / "copy" / "journal" / "0000000001.wal"
    whole = journal.read_bytes()
    before = open_files()
    journal.write_bytes(whole[:5])
    for _ in range(3):
        with pytest.raises(OpenRefused):
            await Store.open(tmp_path / "copy")
    assert open_files() == before
    journal.write_bytes(whole)
    async with opened(tmp_path / "copy") as store:
        assert_dense(await read_all(store, A))


async def test_a_creation_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    await fill(tmp_path)
    rewrite_manifest(tmp_path, left="creating")
    async with opened(tmp_path) as store:
        assert store.report.created
        await create(store, A)
        assert_dense(await read_all(store, A))


async def test_a_creation_between_its_two_commits_is_completed(tmp_path: Path) -> None:
    """`state.fs` has the execution with its first event, and the journal does not have it yet."""
    async with opened(tmp_path / "data") as store:
        await create(store, "aex-before")
        shutil.copy(tmp_path / "data" / "journal" / "0000000001.wal", tmp_path / "journal")
        await create(store, A)
        shutil.copytree(tmp_path / "data", tmp_path / "copy")
    shutil.copy(tmp_path / "journal", tmp_path / "copy" / "journal" / "0000000001.wal")
    for completed in (1, 0):
        async with opened(tmp_path / "copy") as store:
            assert store.report.completed_births == completed
            for name in (A, "aex-before"):
                assert_dense(found := await read_all(store, name))
                assert len(found) == 1


async def test_a_removed_execution_is_not_born_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as store:
        await create(store, A)
        await store.remove_events([A])
        shutil.copytree(tmp_path / "data", tmp_path / "copy")
    for directory in ("data", "copy"):
        async with opened(tmp_path / directory) as store:
            assert store.report.completed_births == 0
            with pytest.raises(UnknownExecution, match=A):
                await store.head(A)


async def test_a_closed_store_refuses_and_closes_again(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    await create(store, A)
    await store.close()
    await store.close()
    with pytest.raises(StoreClosed):
        await store.append([append(A, 2)])
    with pytest.raises(StoreClosed):
        await store.write(lambda state: None)
    with pytest.raises(StoreClosed):
        await store.read_state(lambda state: None)


def test_the_store_needs_no_grpc_and_nothing_generated() -> None:
    script = (
        "import sys; sys.modules['grpc'] = None; sys.modules['google'] = None; import stigmer_backend.store; "
        "print([name for name in sys.modules if name.startswith(('stigmer_apis', 'textual', 'temporalio'))])"
    )
    assert python(script).stdout.strip() == "[]"


async def test_files_of_two_stores_are_refused_and_never_taken_for_one(tmp_path: Path) -> None:
    for name in ("one", "two"):
        async with opened(tmp_path / name) as store:
            await create(store, f"aex-{name}")
    for name in DATABASES:
        mixed = tmp_path / f"mixed-{name}"
        shutil.copytree(tmp_path / "one", mixed)
        for side in ("", ".digest", ".index"):
            shutil.copy(tmp_path / "two" / f"{name}{side}", mixed / f"{name}{side}")
        with pytest.raises(StoreDamaged, match="of another store"):
            await Store.open(mixed)
    async with opened(tmp_path / "one") as store:
        assert await store.head("aex-one") == 1


async def test_a_journal_of_another_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    for name in ("one", "two"):
        await fill(tmp_path / name)
    (number,) = journal_numbers(tmp_path / "one" / "journal")
    ours = journal_path(tmp_path / "one" / "journal", number)
    theirs, kept = journal_path(tmp_path / "two" / "journal", number).read_bytes(), ours.read_bytes()
    ours.write_bytes(theirs)
    with pytest.raises(JournalDamaged, match="of another store"):
        await Store.open(tmp_path / "one")
    assert ["of another store" in found.problem for found in examine(tmp_path / "one")] == [False] * 3 + [True]
    ours.write_bytes(kept)

    async with opened(tmp_path / "one") as store:
        await store.append([append(A, 7, step=3)])
    assert number not in journal_numbers(ours.parent), "it is at a later one, so that one of this number is removed"
    ours.write_bytes(theirs)
    with pytest.raises(JournalDamaged, match="of another store"):
        await Store.open(tmp_path / "one")
    assert ours.read_bytes() == theirs
    ours.unlink()
    async with opened(tmp_path / "one") as store:
        assert_dense(await read_all(store, A))


async def test_a_store_without_one_of_its_parts_is_refused_in_words_that_say_what_to_do(tmp_path: Path) -> None:
    await fill(tmp_path / "whole")
    for name in (*DATABASES, "journal", "manifest"):
        broken = tmp_path / f"without-{name}"
        shutil.copytree(tmp_path / "whole", broken)
        gone = broken / name
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        with pytest.raises(OpenRefused, match=rf"{name} is missing.*restore a backup"):
            await Store.open(broken)
        assert not gone.exists(), "nothing empty took its place"
    alone = tmp_path / "journal-alone"
    shutil.copytree(tmp_path / "whole" / "journal", alone / "journal")
    with pytest.raises(DatabaseMissing, match=r"manifest is missing, but .*wal is there"):
        await Store.open(alone)
