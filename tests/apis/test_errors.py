"""Errors cross the wire as they were."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from google.protobuf.empty_pb2 import Empty

from stigmer_apis import errors
from stigmer_apis.errors import FieldViolation, InvalidArgument, SequenceGap, StigmerError
from stigmer_apis.errors_grpc import abort, code_of, error_from_rpc, error_from_status, is_from_stigmer, status_of
from stigmer_apis.transport import aio, grpc, unix_target


def tree(kind: type[StigmerError]) -> list[type[StigmerError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in tree(child))]


CLASSES = [kind for kind in tree(StigmerError) if kind.__module__ == errors.__name__]


def example(kind: type[StigmerError]) -> StigmerError:
    if issubclass(kind, InvalidArgument):
        violation = FieldViolation("spec.message", "string.min_len", "must have at least 1 character")
        return kind("the request breaks a rule", remedy="say something", violations=[violation])
    if issubclass(kind, SequenceGap):
        return kind("a gap", remedy="read again", expected=7, got=9)
    return kind("something about x…", remedy="mend it")


def same(one: StigmerError, other: StigmerError) -> None:
    assert type(one) is type(other)
    assert vars(one) == vars(other)


class Raising:
    """A service whose only method raises what it is told to."""

    def __init__(self, target: str) -> None:
        self.error: Exception = StigmerError("nothing")
        self._target = target

    async def method(self, request: Empty, context: aio.ServicerContext[Empty, Empty]) -> Empty:
        if isinstance(self.error, StigmerError):
            await abort(context, self.error)
        raise self.error

    async def answer(self) -> aio.AioRpcError:
        """What a client gets."""
        async with aio.insecure_channel(self._target) as channel:
            call = channel.unary_unary("/test.Service/Method", Empty.SerializeToString, Empty.FromString)
            with pytest.raises(aio.AioRpcError) as caught:
                await call(Empty())
        return caught.value


@pytest.fixture
async def raising(short_tmp: Path) -> AsyncGenerator[Raising]:
    target = unix_target(short_tmp / "s.sock")
    service = Raising(target)
    handler = grpc.unary_unary_rpc_method_handler(service.method, Empty.FromString, Empty.SerializeToString)
    server = aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Service", {"Method": handler})])
    server.add_insecure_port(target)
    await server.start()
    yield service
    await server.stop(None)


@pytest.mark.parametrize("kind", CLASSES)
async def test_every_class_comes_back_as_it_was(raising: Raising, kind: type[StigmerError]) -> None:
    raising.error = example(kind)
    answer = await raising.answer()
    assert answer.code() is code_of(raising.error)
    assert answer.code() is not grpc.StatusCode.UNKNOWN
    assert is_from_stigmer(answer)
    same(error_from_rpc(answer), raising.error)


async def test_an_error_of_any_size_comes_back(raising: Raising) -> None:
    violations = [FieldViolation("ü" * 9999, "r" * 9999, "\udcff" * 9999)] * 500
    raising.error = InvalidArgument("ü" * 99_999, remedy="€" * 99_999, violations=violations)
    assert status_of(raising.error).ByteSize() < 5 * 1024
    told = error_from_rpc(await raising.answer())
    assert isinstance(told, InvalidArgument)
    assert told.message.endswith("…")
    assert told.remedy.endswith("…")
    assert told.violations[-1].message.startswith("and 49")


def test_a_class_of_another_package_travels_as_its_nearest_here() -> None:
    class Damaged(errors.DataLoss):
        """A chunk of the store is damaged."""

    told = error_from_status(status_of(Damaged("chunk 7")))
    assert type(told) is errors.DataLoss


async def test_what_nobody_foresaw_is_internal_and_not_ours(raising: Raising) -> None:
    raising.error = RuntimeError("boom")
    answer = await raising.answer()
    assert not is_from_stigmer(answer)
    assert type(error_from_rpc(answer)) is errors.Internal


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_an_error_without_our_details_is_its_codes_class(code: grpc.StatusCode) -> None:
    told = error_from_rpc(aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), details="words"))
    assert told.message == "words"
    if code in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE):
        assert type(told) is errors.Unavailable
    elif type(told) is not errors.Internal:
        assert code_of(told) is code


def test_details_that_cannot_be_read_do_no_harm() -> None:
    for body in (b"\xff\xff\xff", b"", "text"):
        metadata = aio.Metadata(("grpc-status-details-bin", body))
        error = aio.AioRpcError(grpc.StatusCode.NOT_FOUND, aio.Metadata(), metadata, details="")
        told = error_from_rpc(error)
        assert type(told) is errors.NotFound
        assert told.message == "the call ended with NOT_FOUND"


def test_the_tree_is_drawn_at_the_top_of_its_module() -> None:
    drawn = errors.__doc__ or ""
    for kind in CLASSES:
        assert f" {kind.__name__}" in drawn
        assert kind.__doc__


def test_an_error_reads_as_message_and_remedy() -> None:
    assert str(errors.NotFound("no agent x", remedy="list them")) == "no agent x\nlist them"
    assert str(errors.NotFound("no agent x")) == "no agent x"
