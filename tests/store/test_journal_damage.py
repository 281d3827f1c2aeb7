"""A journal that is cut or changed anywhere: the right beginning of what was written, or a loud error that names the place."""

from pathlib import Path

import pytest

from stigmer_backend.store import JournalDamaged, Lane, StoreDamaged
from stigmer_backend.store.frames import FILE_HEADER_BYTES
from tests.store.images import JOURNAL, Heads, Image, Reopened, journal_image
from tests.store.stores import append
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 7200))


@pytest.fixture
async def image(scratch: Path) -> Image:
    return await journal_image(scratch)


def before(image: Image, offset: int) -> Heads:
    """How the lanes stood after the last group that ends at or before `offset`. The later creation is also in `state.fs`."""
    found: Heads = {}
    for end, known in image.groups:
        if end <= offset:
            found = known
    return {("aex-b", Lane.EVENTS): 1, ("aex-b", Lane.ENGINE): 0, **found}


def reopened(directory: Path) -> tuple[Heads, list[bytes]]:
    """How the lanes stand in a damaged copy, and what was cut. It also takes new appends where it stands."""
    with Reopened(directory) as store:
        found = store.heads()
        place = "aex-b", Lane.EVENTS
        store.append(append("aex-b", found[place] + 1))
        assert store.heads() == {**found, place: found[place] + 1}
        return found, store.cuts


def test_a_journal_cut_at_each_byte(image: Image, scratch: Path) -> None:
    whole = (image.directory / JOURNAL).read_bytes()
    ends = {end for end, _ in image.groups}
    for size in range(len(whole) + 1):
        copy = image.copy(scratch / "copy")
        (copy / JOURNAL).write_bytes(whole[:size])
        if size < FILE_HEADER_BYTES:
            with pytest.raises(JournalDamaged, match=JOURNAL.name):
                reopened(copy)
            continue
        found, cuts = reopened(copy)
        assert found == before(image, size), f"cut at {size}"
        last = max((end for end in ends if end <= size), default=FILE_HEADER_BYTES)
        assert b"".join(cuts) == whole[last:size], f"cut at {size}"
    print(f"journal of {len(whole)} bytes cut at each: always the right beginning")


def test_a_journal_with_each_byte_flipped(image: Image, scratch: Path) -> None:
    whole = (image.directory / JOURNAL).read_bytes()
    last_group = image.groups[-2][0]
    for offset in range(len(whole)):
        copy = image.copy(scratch / "copy")
        flipped = bytearray(whole)
        flipped[offset] ^= 1 << offset % 8
        (copy / JOURNAL).write_bytes(flipped)
        if offset < last_group:
            with pytest.raises(JournalDamaged, match=JOURNAL.name):
                reopened(copy)
            assert (copy / JOURNAL).read_bytes() == flipped, "a refused journal must stay as it was"
            continue
        found, cuts = reopened(copy)
        assert found == before(image, last_group)
        assert cuts == [bytes(flipped[last_group:])]
    print(f"journal of {len(whole)} bytes, each flipped: {last_group} refused by name, the rest cut as torn")


def test_groups_that_change_places_are_noticed(image: Image, scratch: Path) -> None:
    whole = (image.directory / JOURNAL).read_bytes()
    ends = [end for end, _ in image.groups]
    for first, second, third in zip(ends, ends[1:], ends[2:], strict=False):
        copy = image.copy(scratch / "copy")
        (copy / JOURNAL).write_bytes(whole[:first] + whole[second:third] + whole[first:second] + whole[third:])
        if third == ends[-1]:
            found, _ = reopened(copy)
            assert found == before(image, first)
        else:
            with pytest.raises(JournalDamaged):
                reopened(copy)


def test_zeros_behind_the_end_and_a_stale_tail_are_cut(image: Image, scratch: Path) -> None:
    whole = (image.directory / JOURNAL).read_bytes()
    ends = [end for end, _ in image.groups]
    for junk in (bytes(4096), whole[ends[-2] :], whole[: ends[0]], b"\xa5SGF" * 100):
        copy = image.copy(scratch / "copy")
        (copy / JOURNAL).write_bytes(whole + junk)
        found, cuts = reopened(copy)
        assert found == image.groups[-1][1]
        assert cuts == [junk]


def test_a_copy_of_the_journal_inside_a_message_is_no_group(image: Image, scratch: Path) -> None:
    """Somebody prints the journal in a terminal, and the machine goes down while that is written."""
    whole = (image.directory / JOURNAL).read_bytes()
    copy = image.copy(scratch / "copy")
    torn = whole[image.groups[-2][0] :][:30] + whole
    (copy / JOURNAL).write_bytes(whole[: image.groups[-2][0]] + torn)
    found, cuts = reopened(copy)
    assert found == before(image, image.groups[-2][0])
    assert cuts == [torn]


def test_sectors_lost_behind_the_last_sync_are_cut_and_before_it_refused(image: Image, scratch: Path) -> None:
    whole = (image.directory / JOURNAL).read_bytes()
    last_group = image.groups[-2][0]
    for start in range(0, len(whole), 16):
        copy = image.copy(scratch / "copy")
        end = min(start + 64, last_group if start < last_group else len(whole))
        (copy / JOURNAL).write_bytes(whole[:start] + bytes(end - start) + whole[end:])
        if start < last_group:
            with pytest.raises(StoreDamaged):
                reopened(copy)
        else:
            assert reopened(copy)[0] == before(image, last_group)
