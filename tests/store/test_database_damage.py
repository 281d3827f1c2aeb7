"""Database files that are cut or changed anywhere: what was written, or a loud error that names the place. Never a wrong answer."""

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer_backend.store import StoreDamaged, StoreError
from stigmer_backend.store.database_format import RECORD, TRANSACTION
from tests.chaos.figures import record
from tests.store.images import Contents, Image, QuickFiles, Reopened, contents, database_image
from tests.store.stores import opened
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 7200))

ENTRY_BYTES = 24
"""Of the digest."""

Turns = list[tuple[int, Contents]]


@pytest.fixture
async def made(scratch: Path) -> tuple[Image, Turns]:
    return await database_image(scratch)


def look(directory: Path) -> tuple[Contents, list[str], list[bytes]]:
    """Open a copy, read everything, and return it with the report and what was cut."""
    with Reopened(directory) as store:
        return store.contents(), store.report.lines(), store.cuts


def damaged(image: Image, target: Path, change: Callable[[Path], None]) -> Contents | StoreError:
    """What a copy answers after `change`, or the first error that it raises."""
    copy = image.copy(target)
    change(copy)
    try:
        return look(copy)[0]
    except StoreError as error:
        return error


def forget_last_sync(directory: Path, database: str) -> None:
    """Make the digest one entry shorter, as a power cut may: it is written after the sync and not synced itself."""
    digest = directory / f"{database}.digest"
    digest.write_bytes(digest.read_bytes()[:-ENTRY_BYTES])


def flipper(name: str, offset: int, mask: int) -> Callable[[Path], None]:
    """Changes one byte of a file."""

    def change(directory: Path) -> None:
        path = directory / name
        data = bytearray(path.read_bytes())
        data[offset] ^= mask
        path.write_bytes(data)

    return change


async def test_an_unharmed_copy_answers_everything(made: tuple[Image, Turns], scratch: Path) -> None:
    image, turns = made
    found, lines, cuts = look(image.copy(scratch / "copy"))
    assert found == turns[-1][1]
    async with opened(image.copy(scratch / "copy")) as store:
        assert await contents(store) == found
    assert found.heads != {}
    assert cuts == []
    assert len(lines) == 1


async def test_the_last_transaction_cut_at_each_byte_after_a_power_cut(
    made: tuple[Image, Turns], scratch: Path
) -> None:
    image, turns = made
    (start, before), (end, after) = turns[-2:]
    whole = (image.directory / "state.fs").read_bytes()
    assert len(whole) == end
    for size in range(start, end + 1):
        copy = image.copy(scratch / "copy")
        forget_last_sync(copy, "state.fs")
        (copy / "state.fs").write_bytes(whole[:size])
        found, _, cuts = look(copy)
        assert found == (after if size == end else before), f"cut at {size}"
        assert cuts == ([whole[start:size]] if start < size < end else [])
    print(f"last transaction of state.fs, {end - start} bytes, cut at each: the state before it")


async def test_the_last_transaction_cut_although_it_was_acknowledged(made: tuple[Image, Turns], scratch: Path) -> None:
    image, turns = made
    start, end = turns[-2][0], turns[-1][0]
    whole = (image.directory / "state.fs").read_bytes()
    for size in [*range(0, end, 97), *range(start, end)]:
        copy = image.copy(scratch / "copy")
        (copy / "state.fs").write_bytes(whole[:size])
        with pytest.raises(StoreDamaged, match=r"state\.fs"):
            look(copy)
        assert (copy / "state.fs").read_bytes() == whole[:size], "a refused file must stay as it was"


async def test_the_end_of_events_fs_cut_at_each_byte_comes_back_from_the_journal(
    made: tuple[Image, Turns], scratch: Path
) -> None:
    image, turns = made
    whole = (image.directory / "events.fs").read_bytes()
    synced = int.from_bytes((image.directory / "events.fs.digest").read_bytes()[-ENTRY_BYTES:][:8])
    assert synced < len(whole)
    step = max(1, (len(whole) - synced) // scaled(500, 1_000_000))
    for size in range(synced, len(whole), step):
        copy = image.copy(scratch / "copy")
        (copy / "events.fs").write_bytes(whole[:size])
        assert look(copy)[0] == turns[-1][1], f"cut at {size}"
    copy = image.copy(scratch / "copy")
    (copy / "events.fs").write_bytes(whole[: synced - 1])
    with pytest.raises(StoreDamaged, match=r"events\.fs"):
        look(copy)


@pytest.mark.parametrize("name", ["state.fs", "events.fs"])
@pytest.mark.parametrize("indexed", [True, False], ids=["with index", "without index"])
async def test_flipped_bytes_never_give_a_wrong_answer(
    made: tuple[Image, Turns], scratch: Path, name: str, indexed: bool
) -> None:
    image, turns = made
    if indexed:
        async with opened(image.directory, files=QuickFiles()):
            pass
    right = turns[-1][1]
    size = (image.directory / name).stat().st_size
    chance = random.Random(5)
    offsets = sorted(chance.sample(range(size), min(size, scaled(500, 40_000))))
    refused = 0
    for offset in offsets:
        change = flipper(name, offset, chance.choice((1, 2, 4, 8, 16, 32, 64, 128, 255)))

        def harm(directory: Path, change: Callable[[Path], None] = change) -> None:
            change(directory)
            if not indexed:
                (directory / f"{name}.index").unlink(missing_ok=True)

        found = damaged(image, scratch / "copy", harm)
        assert isinstance(found, StoreDamaged) or found == right, f"byte {offset} of {name} gave {found}"
        refused += isinstance(found, StoreDamaged)
    assert refused > 0
    print(f"{name}, {len(offsets)} of {size} bytes flipped: {refused} refused by name, the others answered right")


async def test_a_changed_number_of_the_last_transaction_is_never_taken_for_its_own(
    made: tuple[Image, Turns], scratch: Path
) -> None:
    """A smaller one, were it believed, would make what was before it the present."""
    image, turns = made
    (start, _), (_, right) = turns[-2:]
    answered: list[int] = []
    for offset in range(start, start + 8):
        for mask in (1, 2, 4, 8, 16, 32, 64, 128):
            change = flipper("state.fs", offset, mask)

            def harm(directory: Path, change: Callable[[Path], None] = change) -> None:
                change(directory)
                (directory / "state.fs.index").unlink(missing_ok=True)

            found = damaged(image, scratch / "copy", harm)
            if not isinstance(found, StoreDamaged):
                assert found == right, f"byte {offset}, {mask}"
                answered.append(offset)
    assert not answered


@pytest.mark.parametrize("name", ["state.fs.index", "events.fs.index"])
async def test_a_damaged_index_is_made_again(made: tuple[Image, Turns], scratch: Path, name: str) -> None:
    image, turns = made
    async with opened(image.directory, files=QuickFiles()):
        pass
    size = (image.directory / name).stat().st_size
    for offset in range(0, size, max(1, size // scaled(150, 1_000_000))):
        copy = image.copy(scratch / "copy")
        flipper(name, offset, 1 << offset % 8)(copy)
        found, lines, _ = look(copy)
        assert found == turns[-1][1]
        assert any(name in line for line in lines)
        (copy / name).write_bytes(b"")
        assert look(copy)[0] == turns[-1][1]
        (copy / name).unlink()
        assert look(copy)[0] == turns[-1][1]


async def test_an_index_of_another_time_is_not_believed(made: tuple[Image, Turns], scratch: Path) -> None:
    image, turns = made
    old = image.copy(scratch / "old")
    async with opened(image.directory, files=QuickFiles()) as store:
        await store.write(lambda state: state.put_meta("turn", b"later"))
    copy = Image(old).copy(scratch / "copy")
    (copy / "state.fs.index").write_bytes((image.directory / "state.fs.index").read_bytes())
    with pytest.raises(StoreDamaged, match=r"state\.fs"):
        look(copy)
    copy = image.copy(scratch / "copy")
    (copy / "state.fs.index").write_bytes((old / "state.fs.index").read_bytes())
    assert look(copy)[0].records == turns[-1][1].records


@pytest.mark.parametrize("name", ["state.fs.digest", "events.fs.digest"])
async def test_a_damaged_digest_is_no_wrong_answer(made: tuple[Image, Turns], scratch: Path, name: str) -> None:
    image, turns = made
    size = (image.directory / name).stat().st_size
    for offset in range(0, size, max(1, size // scaled(150, 1_000_000))):
        found = damaged(image, scratch / "copy", flipper(name, offset, 1 << offset % 8))
        assert found == turns[-1][1]
    copy = image.copy(scratch / "copy")
    (copy / name).unlink()
    found, lines, _ = look(copy)
    assert found == turns[-1][1]
    assert any(name in line for line in lines)


async def test_sectors_lost_from_the_last_transaction(made: tuple[Image, Turns], scratch: Path) -> None:
    """What a power cut does to a write that was not synced: any of its sectors may be missing, also behind a whole end."""
    image, turns = made
    (start, before), (end, after) = turns[-2:]
    whole = (image.directory / "state.fs").read_bytes()
    chance = random.Random(3)
    images = scaled(150, 2000)
    for _ in range(images):
        sector = chance.choice((16, 64, 512, 4096))
        lost = bytearray(whole)
        for place in range(start, end, sector):
            if chance.random() < 0.4:
                lost[place : min(place + sector, end)] = bytes(min(place + sector, end) - place)
        copy = image.copy(scratch / "copy")
        forget_last_sync(copy, "state.fs")
        (copy / "state.fs").write_bytes(lost)
        found = look(copy)[0]
        assert found == (after if lost == whole else before)
    record(
        "sectors of 16 B to 4 KiB lost from a transaction that was not synced",
        images,
        "images",
        "the state before it each time, or after it where nothing was lost",
    )


async def test_sectors_lost_from_events_that_were_moved_and_not_synced(
    made: tuple[Image, Turns], scratch: Path
) -> None:
    image, turns = made
    whole = (image.directory / "events.fs").read_bytes()
    synced = int.from_bytes((image.directory / "events.fs.digest").read_bytes()[-ENTRY_BYTES:][:8])
    chance = random.Random(4)
    images = scaled(100, 2000)
    for _ in range(images):
        sector = chance.choice((512, 4096))
        lost = bytearray(whole)
        for place in range(synced, len(whole), sector):
            if chance.random() < 0.2:
                lost[place : place + sector] = bytes(len(whole[place : place + sector]))
        copy = image.copy(scratch / "copy")
        (copy / "events.fs").write_bytes(lost)
        assert look(copy)[0] == turns[-1][1]
    record(
        "sectors of 512 B and 4 KiB lost from events that were moved and not synced",
        images,
        "images",
        "all of them there each time, out of the journal",
    )


async def test_the_status_byte_decides_nothing(made: tuple[Image, Turns], scratch: Path) -> None:
    """The last transaction is whole and says that it is not finished: the stop came before its last byte, or the byte is wrong."""
    image, turns = made
    start, after = turns[-2][0], turns[-1][1]
    for forget in (True, False):
        copy = image.copy(scratch / "copy")
        flipper("state.fs", start + 16, ord("c") ^ ord(" "))(copy)
        if forget:
            forget_last_sync(copy, "state.fs")
        found, _, cuts = look(copy)
        assert found == after
        assert cuts == []
        assert look(copy)[0] == after


def hide_first_record(data: bytearray, start: int) -> None:
    """Let the header of the transaction at `start` say that its first record is its description."""
    (state_bytes,) = struct.unpack_from(">Q", data, start + TRANSACTION.size + RECORD.size - 8)
    struct.pack_into(">H", data, start + 19, RECORD.size + state_bytes)


async def test_a_record_cannot_hide_in_the_header(made: tuple[Image, Turns], scratch: Path) -> None:
    """Lengths in a transaction's header that are wrong in just the way that the rest still fits."""
    image, turns = made
    copy = image.copy(scratch / "copy")
    data = bytearray((copy / "state.fs").read_bytes())
    hide_first_record(data, turns[-2][0])
    (copy / "state.fs").write_bytes(data)
    with pytest.raises(StoreDamaged, match=r"state\.fs"):
        look(copy)
    forget_last_sync(copy, "state.fs")
    assert look(copy)[0] == turns[-2][1]


async def test_a_whole_transaction_behind_a_bad_one_is_damage(made: tuple[Image, Turns], scratch: Path) -> None:
    image, turns = made
    copy = image.copy(scratch / "copy")
    for _ in range(3):
        forget_last_sync(copy, "state.fs")
    flipper("state.fs", turns[-2][0] - 20, 1)(copy)
    with pytest.raises(StoreDamaged, match="later one"):
        look(copy)
