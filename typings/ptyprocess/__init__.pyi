"""The part of ptyprocess 0.7 that is used."""

from collections.abc import Sequence
from io import BufferedRWPair

class PtyProcessError(Exception): ...

class PtyProcess:
    pid: int
    fd: int
    argv: Sequence[str]
    fileobj: BufferedRWPair
    closed: bool
    terminated: bool
    exitstatus: int | None
    signalstatus: int | None
    status: int | None
    flag_eof: bool
    delayafterclose: float
    delayafterterminate: float
    def __init__(self, pid: int, fd: int) -> None: ...
    def isalive(self) -> bool: ...
    def wait(self) -> int | None: ...
    def close(self, force: bool = True) -> None: ...
    def setwinsize(self, rows: int, cols: int) -> None: ...
    def getwinsize(self) -> tuple[int, int]: ...
