"""Storage by URI."""

import os
from pathlib import Path

import pytest

from stigmer_backend.store import OpenRefused, Store, StoreKind, UnknownStorage
from stigmer_backend.store.uri import place_of
from tests.store.stores import assert_dense, create, read_all

DEFAULT = Path("/home/data")


@pytest.mark.parametrize(
    ("uri", "kind", "directory"),
    [
        ("", StoreKind.FILE, DEFAULT),
        ("file:", StoreKind.FILE, DEFAULT),
        ("file:/srv/data", StoreKind.FILE, Path("/srv/data")),
        ("file:///srv/with%20space", StoreKind.FILE, Path("/srv/with space")),
        ("memory:", StoreKind.MEMORY, DEFAULT),
    ],
)
def test_what_there_is(uri: str, kind: StoreKind, directory: Path) -> None:
    place = place_of(uri, DEFAULT)
    assert (place.kind, place.directory) == (kind, directory)


@pytest.mark.parametrize(
    "uri",
    ["/srv/data", "file:data", "file://host/data", "memory:x", "memory:?x=1", "nonsense:", "x"],
)
def test_anything_else_is_an_error_that_names_what_there_is(uri: str) -> None:
    with pytest.raises(UnknownStorage, match=r"file:.*memory:") as raised:
        place_of(uri, DEFAULT)
    assert isinstance(raised.value, OpenRefused)
    assert repr(uri) in str(raised.value)


async def test_a_store_in_memory_leaves_no_file_and_forgets(tmp_path: Path) -> None:
    for _ in range(2):
        store = await Store.open_at("memory:", tmp_path / "data")
        await create(store, "aex-a")
        assert_dense(await read_all(store, "aex-a"))
        await store.close()
    assert not os.listdir(tmp_path)


async def test_a_store_in_a_directory_that_the_uri_names(tmp_path: Path) -> None:
    uri = f"file:{tmp_path / 'there'}"
    store = await Store.open_at(uri, tmp_path / "data")
    await create(store, "aex-a")
    await store.close()
    store = await Store.open_at(uri, tmp_path / "data")
    assert_dense(await read_all(store, "aex-a"))
    await store.close()
    assert os.listdir(tmp_path) == ["there"]
