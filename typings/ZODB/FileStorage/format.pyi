class CorruptedError(Exception): ...
class CorruptedDataError(CorruptedError): ...

class DataHeader:
    oid: bytes
    tid: bytes
    prev: int
    tloc: int
    plen: int
    back: int
    def __init__(self, oid: bytes, tid: bytes, prev: int, tloc: int, vlen: int, plen: int) -> None: ...
