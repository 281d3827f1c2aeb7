"""Expecting a call to be refused."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from stigmer_apis.errors import StigmerError
from stigmer_apis.errors_grpc import error_from_rpc
from stigmer_apis.transport import aio


class Refusal:
    """Why a call was refused; known after the block."""

    def __init__(self) -> None:
        self.error = StigmerError("nothing was refused yet")

    @property
    def text(self) -> str:
        """Message and remedy."""
        return str(self.error)


@contextmanager
def refused(kind: type[StigmerError]) -> Generator[Refusal]:
    """A block in which a call is refused with an error of `kind`, and not of another one."""
    refusal = Refusal()
    with pytest.raises(aio.AioRpcError) as raised:
        yield refusal
    refusal.error = error_from_rpc(raised.value)
    assert isinstance(refusal.error, kind), f"{type(refusal.error).__name__}: {refusal.error}"
