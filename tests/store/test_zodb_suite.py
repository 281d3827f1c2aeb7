"""ZODB's own suite for FileStorage runs on our storages, unchanged: they override private hooks, so this is what pins them."""

import importlib.util
import os
from pathlib import Path

import pytest

from stigmer_backend.store.database_format import MAGIC
from stigmer_backend.store.files import FileLayer
from stigmer_backend.store.inspection import inspect
from stigmer_backend.store.late_sync import LateSync
from stigmer_backend.store.report import RecoveryReport
from stigmer_backend.store.sealed_storage import SealedStorage
from tests.support.require import CI_VARIABLE
from tests.support.scale import in_campaign

if importlib.util.find_spec("zope.testing") is None:
    if os.environ.get(CI_VARIABLE):
        pytest.fail("zope.testing, which ZODB's suite needs, is not installed", pytrace=False)
    pytest.skip("zope.testing, which ZODB's suite needs, is not installed", allow_module_level=True)

from ZODB.tests import BasicStorage, MTStorage, PersistentStorage, StorageTestBase, Synchronization, testFileStorage
from ZODB.tests.hexstorage import HexStorage

pytestmark = pytest.mark.filterwarnings("default")

# The two `test_race_*external*` are for storages with a server and clients: ZODB skips them for FileStorage, here they are left out.


class TestLateSync(testFileStorage.FileStorageTests):
    """Everything that FileStorage promises, of a storage that syncs after its commit."""

    test_race_external_invalidate_vs_disconnect = None
    test_race_load_vs_external_invalidate = None

    def open(self, **settings: bool) -> None:
        self._storage = LateSync("FileStorageTests.fs", **settings)


class TestLateSyncRecovery(testFileStorage.FileStorageRecoveryTest):
    """Copying one database to another, record for record."""

    def setUp(self) -> None:
        StorageTestBase.StorageTestBase.setUp(self)
        self._storage = LateSync("Source.fs", create=True)
        self._dst = LateSync("Dest.fs", create=True)

    def new_dest(self) -> LateSync:
        return LateSync("Dest.fs")


if in_campaign():

    class TestLateSyncWrapped(TestLateSync):
        """The same below a wrapper that changes every record."""

        def open(self, **settings: bool) -> None:
            self._storage = HexStorage(LateSync("FileStorageTests.fs", **settings))

    class TestLateSyncWithBlobs(TestLateSync):
        """The same with blobs enabled."""

        def open(self, **settings: bool) -> None:
            self._storage = LateSync("FileStorageTests.fs", blob_dir="blobs", **settings)


class TestSealedStorage(
    StorageTestBase.StorageTestBase,
    BasicStorage.BasicStorage,
    PersistentStorage.PersistentStorage,
    Synchronization.SynchronizedStorage,
    MTStorage.MTStorage,
):
    """What every storage promises, of the one that the store uses. Undo, pack and copying it refuses."""

    test_race_external_invalidate_vs_disconnect = None
    test_race_load_vs_external_invalidate = None

    def setUp(self) -> None:
        StorageTestBase.StorageTestBase.setUp(self)
        self.open()

    def open(self, **settings: bool) -> None:
        path = Path("sealed.fs").absolute()
        if not path.exists():
            path.write_bytes(MAGIC)
        files = FileLayer()
        found = inspect(path, files, os.urandom, RecoveryReport(), each_synced=True)
        self._storage = SealedStorage(path, found, files, 1 << 20)
