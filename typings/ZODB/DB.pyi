from transaction import TransactionManager
from ZODB.Connection import Connection
from ZODB.interfaces import IStorage

class DB:
    def __init__(
        self,
        storage: IStorage,
        pool_size: int = ...,
        pool_timeout: float = ...,
        cache_size: int = ...,
        cache_size_bytes: int = ...,
        *,
        large_record_size: int = ...,
    ) -> None: ...
    def open(self, transaction_manager: TransactionManager | None = ...) -> Connection: ...
    def close(self) -> None: ...
