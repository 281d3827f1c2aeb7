"""Any file of a store with any byte changed, or cut anywhere, or gone: what was written, or a loud error. Never a wrong answer."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer_backend.store import StoreError
from tests.chaos.figures import record
from tests.store.images import Contents, Image, QuickFiles, Reopened, database_image
from tests.store.stores import opened
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 7200))

FLIPS = scaled(2_000, 40_000)
CUTS = scaled(400, 40_000)


@pytest.fixture
async def made(scratch: Path) -> tuple[Image, Contents]:
    """A store with everything in it, its indexes saved, and what it answers."""
    image, turns = await database_image(scratch)
    async with opened(image.directory, files=QuickFiles()):
        pass
    return image, turns[-1][1]


def files_of(image: Image) -> list[tuple[Path, int]]:
    """Every file that has content, relative, and its size; the lock's is nobody's."""
    found = sorted(path for path in image.directory.rglob("*") if path.is_file() and path.name != "lock")
    return [(path.relative_to(image.directory), path.stat().st_size) for path in found if path.stat().st_size]


def answer(copy: Path) -> Contents | StoreError:
    """What a copy says, or the first error that it raises."""
    try:
        with Reopened(copy) as store:
            return store.contents()
    except StoreError as error:
        return error


def places(image: Image, count: int, chance: random.Random) -> list[tuple[Path, int]]:
    """So many places, spread over the bytes of all files."""
    whole = [(name, offset) for name, size in files_of(image) for offset in range(size)]
    return sorted(chance.sample(whole, min(count, len(whole))))


def damage_each(
    made: tuple[Image, Contents],
    target: Path,
    chosen: list[tuple[Path, int]],
    change: Callable[[bytearray, int], None],
) -> int:
    """Change one place after the other, each in a copy; how many were refused. Raises `AssertionError` for a wrong answer."""
    image, right = made
    refused = 0
    for name, offset in chosen:
        copy = image.copy(target)
        data = bytearray((copy / name).read_bytes())
        change(data, offset)
        (copy / name).write_bytes(data)
        found = answer(copy)
        assert isinstance(found, StoreError) or found == right, f"byte {offset} of {name} gave {found}"
        refused += isinstance(found, StoreError)
    return refused


async def test_any_byte_changed(made: tuple[Image, Contents], scratch: Path) -> None:
    chance = random.Random(11)
    chosen = places(made[0], FLIPS, chance)

    def flip(data: bytearray, offset: int) -> None:
        data[offset] ^= chance.choice((1, 2, 4, 8, 16, 32, 64, 128, 255))

    refused = damage_each(made, scratch / "copy", chosen, flip)
    names = {name for name, _ in chosen}
    assert len(names) > 5
    assert 0 < refused < len(chosen)
    record(
        "a byte changed in any file of a store",
        len(chosen),
        f"places in {len(names)} files",
        f"{refused:,} refused by name, the others answered right: 0 wrong answers",
    )


async def test_any_file_cut(made: tuple[Image, Contents], scratch: Path) -> None:
    chosen = places(made[0], CUTS, random.Random(12))

    def cut(data: bytearray, offset: int) -> None:
        del data[offset:]

    refused = damage_each(made, scratch / "copy", chosen, cut)
    assert 0 < refused < len(chosen)
    record(
        "any file of a store cut short",
        len(chosen),
        "places",
        f"{refused:,} refused by name, the others answered right: 0 wrong answers",
    )


async def test_any_file_gone(made: tuple[Image, Contents], scratch: Path) -> None:
    image, right = made
    for name, _ in files_of(image):
        copy = image.copy(scratch / "copy")
        (copy / name).unlink()
        found = answer(copy)
        assert isinstance(found, StoreError) or found == right, name
