class ReplicaClosedException(Exception): ...

class IDBDriver:
    close_exceptions: tuple[type[Exception], ...]
