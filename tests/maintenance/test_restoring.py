"""A backup of a served store, added to, verified, restored; and every way in which a restore is refused or stopped."""

import json
import shutil
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from stigmer_apis.backups import BackupFile, encode_list, require_list
from stigmer_apis.client import Client
from stigmer_apis.client.backups import back_up
from stigmer_apis.errors import AlreadyExists, DataLoss, FailedPrecondition, StigmerError
from stigmer_backend.maintenance.restoring import restore
from stigmer_backend.maintenance.verifying import look_at_backup, look_at_store
from stigmer_backend.resources.kinds import EXECUTIONS
from stigmer_backend.store import DatabaseName, FormatTooNew, OpenRefused, Store, StoreLocked
from tests.support.served_backend import Served, serve_backend


class Stopped(Exception):
    """The restore was killed here."""


@asynccontextmanager
async def served(root: Path) -> AsyncGenerator[tuple[Served, Client]]:
    async with serve_backend(root) as backend, Client(backend.home, start_daemon=False) as client:
        yield backend, client


async def executions_of(data: Path) -> set[str]:
    store = await Store.open(data)
    try:
        return await store.read_state(lambda state: {row.id for row in state.page(EXECUTIONS.table, "", limit=1000)})
    finally:
        await store.close()


async def incarnation_of(data: Path) -> str:
    store = await Store.open(data)
    await store.close()
    return store.incarnation


def problems(backup: Path) -> list[str]:
    return [look.path for look in look_at_backup(backup, require_list(backup)) if look.problem]


def keep_file(root: Path, content: bytes) -> str:
    """A kept file, as a run hands one over."""
    digest = sha256(content).hexdigest()
    path = f"artifacts/0123456789abcdef/{digest[:2]}/{digest}"
    (root / "data" / path).parent.mkdir(parents=True, exist_ok=True)
    (root / "data" / path).write_bytes(content)
    return path


async def test_a_backup_is_added_to_verified_and_restored_under_another_incarnation(short_tmp: Path) -> None:
    root, backup = short_tmp / "h", short_tmp / "b"
    async with served(root) as (backend, client):
        kept = keep_file(root, b"a report")
        first = (await backend.run("one")).metadata.id
        whole = await back_up(client, backup)
        assert whole.written == whole.found.size
        assert kept in {file.path for file in whole.found.files}
        with pytest.raises(AlreadyExists, match="holds a backup already"):
            await back_up(client, backup)
        second = (await backend.run("two")).metadata.id
        more = await back_up(client, backup, incremental=True)
        assert 0 < more.written < whole.written
        third = (await backend.run("three")).metadata.id
        with pytest.raises(StoreLocked):
            restore(backup, root / "data", replace=True)
        assert not [look for look in look_at_store(root / "data") if look.problem]
    assert problems(backup) == []
    done = restore(backup, short_tmp / "fresh", replace=False)
    assert done.kept is None
    assert await executions_of(short_tmp / "fresh") == {first, second}
    assert (short_tmp / "fresh" / kept).read_bytes() == b"a report"
    assert await incarnation_of(short_tmp / "fresh") != await incarnation_of(root / "data")

    with pytest.raises(AlreadyExists, match="holds a store already"):
        restore(backup, root / "data", replace=False)
    assert await executions_of(root / "data") == {first, second, third}
    done = restore(backup, root / "data", replace=True)
    assert await executions_of(root / "data") == {first, second}
    assert done.kept is not None
    assert await executions_of(done.kept) == {first, second, third}

    async with served(root) as (backend, client):  # The past that it continues is the one that the backup is of.
        fourth = (await backend.run("four")).metadata.id
        await back_up(client, backup, incremental=True)
    restore(backup, short_tmp / "again", replace=False)
    assert await executions_of(short_tmp / "again") == {first, second, fourth}


async def test_a_packed_store_is_backed_up_anew_added_to_and_restored_over_one_that_was_not(short_tmp: Path) -> None:
    root, backup = short_tmp / "h", short_tmp / "b"
    async with served(root) as (backend, client):
        first = (await backend.run("one")).metadata.id
        await back_up(client, backup)
    shutil.copytree(root / "data", short_tmp / "before")
    store = await Store.open(root / "data")
    for name in DatabaseName:
        await store.pack(name)
    await store.close()
    async with served(root) as (backend, client):
        second = (await backend.run("two")).metadata.id
        packed = await back_up(client, backup, incremental=True)
        assert {file.path for file in packed.found.files} >= {"state.2.fs", "events.2.fs"}
        third = (await backend.run("three")).metadata.id
        assert (await back_up(client, backup, incremental=True)).written < packed.written
    assert not (backup / "state.fs").exists()
    assert problems(backup) == []
    done = restore(backup, short_tmp / "before", replace=True)
    assert done.kept is not None
    assert await executions_of(short_tmp / "before") == {first, second, third}
    assert await executions_of(done.kept) == {first}


async def test_an_addition_that_breaks_off_leaves_the_earlier_backup_as_it_was(short_tmp: Path) -> None:
    root, backup = short_tmp / "h", short_tmp / "b"
    async with served(root) as (backend, client):
        first = (await backend.run("one")).metadata.id
        await back_up(client, backup)
        second = (await backend.run("two")).metadata.id

        def stop(written: int, total: int) -> None:
            raise Stopped

        with pytest.raises(Stopped):
            await back_up(client, backup, incremental=True, progress=stop)
        assert problems(backup) == []
        restore(backup, short_tmp / "fresh", replace=False)
        assert await executions_of(short_tmp / "fresh") == {first}
        await back_up(client, backup, incremental=True)
        restore(backup, short_tmp / "fresh", replace=True)
        assert await executions_of(short_tmp / "fresh") == {first, second}


async def test_backups_of_another_store_or_another_past_are_not_mixed(short_tmp: Path) -> None:
    async with served(short_tmp / "a") as (backend, client):
        await backend.run("one")
        await back_up(client, short_tmp / "b")
    shutil.copytree(short_tmp / "a", short_tmp / "twin", ignore=shutil.ignore_patterns("run"))
    async with served(short_tmp / "other") as (_, client):
        with pytest.raises(FailedPrecondition, match="of another store"):
            await back_up(client, short_tmp / "b", incremental=True)
    async with served(short_tmp / "a") as (backend, client):
        await backend.run("two, and longer than what the twin has to say")
        await back_up(client, short_tmp / "b", incremental=True)
    async with served(short_tmp / "twin") as (backend, client):
        for number in range(8):
            await backend.run(f"the twin says {number}")
        with pytest.raises((FailedPrecondition, DataLoss)):
            await back_up(client, short_tmp / "b", incremental=True)
    assert problems(short_tmp / "b") == []


@pytest.fixture
async def backup(short_tmp: Path) -> Path:
    """A backup with one run and a kept file."""
    async with served(short_tmp / "h") as (backend, client):
        await backend.run("one")
        keep_file(short_tmp / "h", b"a report")
        await back_up(client, short_tmp / "b")
    return short_tmp / "b"


def rewrite(backup: Path, change: Callable[[BackupFile], BackupFile]) -> None:
    """Another list, with its CRC in order: somebody's work, no accident."""
    found = require_list(backup)
    (backup / "backup.json").write_bytes(encode_list(replace(found, files=tuple(change(file) for file in found.files))))


async def test_what_is_no_whole_backup_is_refused_and_changes_nothing(backup: Path, short_tmp: Path) -> None:
    data = short_tmp / "h" / "data"
    secret = short_tmp / "secret"
    secret.write_text("not of the backup")

    def refused(damage: Callable[[Path], object], error: type[Exception], words: str) -> None:
        copy = short_tmp / "copy"
        shutil.copytree(backup, copy)
        damage(copy)
        before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and path.name != "lock"}
        with pytest.raises(error, match=words):
            restore(copy, data, replace=True)
        assert before == {path: path.read_bytes() for path in before}
        assert not (data / "restoring").exists()
        shutil.rmtree(copy)

    def cut(name: str) -> Callable[[Path], object]:
        return lambda copy: (copy / name).write_bytes((copy / name).read_bytes()[:-7])

    def flip(copy: Path) -> None:
        content = bytearray((copy / "state.fs").read_bytes())
        content[len(content) // 2] ^= 1
        (copy / "state.fs").write_bytes(content)

    def link(copy: Path) -> None:
        (copy / "state.fs").unlink()
        (copy / "state.fs").symlink_to(secret)

    def link_folder(copy: Path) -> None:
        (copy / "journal").rename(short_tmp / "outside")
        (copy / "journal").symlink_to(short_tmp / "outside")

    def newer(copy: Path) -> None:
        fields = json.loads((copy / "backup.json").read_bytes())
        (copy / "backup.json").write_text(json.dumps({**fields, "format": 99, "needs": "9.0"}))

    def newer_store(copy: Path) -> None:
        found = require_list(copy)
        line = found.manifest.partition(b"\n")[0].replace(b'"format": 2', b'"format": 77')
        manifest = line + b"\ncrc32 %08x\n" % zlib.crc32(line)
        (copy / "backup.json").write_bytes(encode_list(replace(found, manifest=manifest)))

    def climb(copy: Path) -> None:
        rewrite(copy, lambda file: replace(file, path="../../secret") if file.path.startswith("art") else file)

    refused(cut("state.fs"), DataLoss, "truncated")
    refused(cut("backup.json"), DataLoss, "truncated or damaged")
    refused(cut("journal/0000000001.wal"), DataLoss, "truncated")
    refused(flip, DataLoss, "state.fs is damaged")
    refused(link, DataLoss, "cannot be read")
    refused(link_folder, DataLoss, "leads elsewhere")
    refused(climb, DataLoss, "no backup has a file there")
    refused(newer, FailedPrecondition, "format 99, this version reads up to 2")
    refused(newer_store, FormatTooNew, "format 77")
    refused(lambda copy: (copy / "events.fs").unlink(), DataLoss, "cannot be read")
    refused(lambda copy: (copy / "backup.json").unlink(), StigmerError, "holds no backup")
    with pytest.raises(FailedPrecondition, match="is inside"):
        restore(Path(shutil.copytree(backup, data / "b")), data, replace=True)


@pytest.mark.parametrize("there", [True, False])
async def test_a_restore_killed_at_any_step_is_noticed_and_completed_by_the_next(
    backup: Path, short_tmp: Path, there: bool
) -> None:
    """After each step the store is as it was, or refuses to open; never is it an empty one, or a mixture."""
    old = short_tmp / "h" / "data"
    wanted = await executions_of(old)

    def prepare(number: int) -> Path:
        data = short_tmp / f"d{number}"
        if there:
            shutil.copytree(old, data)
        return data

    steps: list[str] = []
    restore(backup, prepare(0), replace=True, step=steps.append)
    assert steps[-1] == "manifest in"
    for number in range(len(steps)):
        data = prepare(number + 1)
        left = list(steps[:number])

        def step(name: str, left: list[str] = left) -> None:
            if not left:
                raise Stopped(name)
            assert left.pop(0) == name

        with pytest.raises(Stopped):
            restore(backup, data, replace=True, step=step)
        if number:
            with pytest.raises(OpenRefused, match="manifest"):
                await Store.open(data)
        elif there:
            assert await executions_of(data) == wanted
        restore(backup, data, replace=True)
        assert await executions_of(data) == wanted
