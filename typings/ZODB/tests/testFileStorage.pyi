from ZODB.tests.BasicStorage import BasicStorage
from ZODB.tests.StorageTestBase import StorageTestBase

class FileStorageTests(StorageTestBase, BasicStorage): ...

class FileStorageRecoveryTest(StorageTestBase):
    _dst: object
