"""The two sockets: private, of the right roles, with limits, and made again when somebody takes them away."""

import asyncio
import shutil
import socket
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from stigmer_apis.errors import PermissionDenied, ResourceExhausted, StigmerError, Unavailable
from stigmer_apis.errors_grpc import error_from_rpc, is_from_stigmer
from stigmer_apis.home import Home
from stigmer_apis.protocol import MAX_MESSAGE_BYTES
from stigmer_apis.transport import aio, client_options, grpc, unix_target
from stigmer_backend.access import Tokens
from stigmer_backend.daemon import listeners as listeners_module
from stigmer_backend.daemon.listeners import METADATA_BYTES, Listeners, operator_door, runner_door
from stigmer_backend.daemon.sockets import SocketTaken
from tests.access.served import AnswersAll, every_rpc, short_home
from tests.access.waiting import until

INFO = "/stigmer.server.v1.ServerService/GetServerInfo"
PUSH = "/ai.stigmer.agentic.skill.v1.SkillCommandController/push"


def _answers_all(server: aio.Server) -> None:
    server.add_generic_rpc_handlers([AnswersAll(every_rpc())])


@asynccontextmanager
async def listening(home: Home) -> AsyncGenerator[tuple[Listeners, Tokens]]:
    home.prepare()
    tokens = Tokens.open(home)
    listeners = Listeners(
        home, tokens, [operator_door(home, [_answers_all]), runner_door(home, [_answers_all])], translations=[]
    )
    try:
        await listeners.open()
        yield listeners, tokens
    finally:
        await listeners.close(0)


async def _ask(
    path: Path, token: str, method: str = INFO, request: bytes = b"", extra: tuple[tuple[str, str], ...] = ()
) -> StigmerError | None:
    """Call `method` with a channel of its own; the error, or None."""
    async with aio.insecure_channel(unix_target(path), options=client_options()) as channel:
        call: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        try:
            await call(request, metadata=(("authorization", f"Bearer {token}"), *extra), timeout=20)
        except aio.AioRpcError as error:
            return error_from_rpc(error)
        return None


async def test_the_sockets_are_private_and_gone_afterwards(short_tmp: Path) -> None:
    home = short_home(short_tmp)
    async with listening(home):
        for path in (home.operator_socket, home.runner_socket):
            assert stat.S_ISSOCK(path.stat().st_mode)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.run.stat().st_mode) == 0o700
    assert not home.operator_socket.exists()
    assert not home.runner_socket.exists()


async def test_each_socket_takes_its_own_tokens(short_tmp: Path) -> None:
    home = short_home(short_tmp)
    async with listening(home) as (_, tokens):
        operator, runner = home.operator_token.read_text().strip(), tokens.issue_runner("run-1")
        assert await _ask(home.operator_socket, operator) is None
        assert await _ask(home.runner_socket, runner) is None
        assert isinstance(await _ask(home.operator_socket, runner), PermissionDenied)
        assert isinstance(await _ask(home.runner_socket, operator), PermissionDenied)


async def test_a_socket_that_is_left_over_is_replaced(short_tmp: Path) -> None:
    home = short_home(short_tmp)
    home.prepare()
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(home.operator_socket))
    async with listening(home):
        assert await _ask(home.operator_socket, home.operator_token.read_text().strip()) is None


async def test_a_socket_of_somebody_else_is_not_taken_over(short_tmp: Path) -> None:
    home = short_home(short_tmp)
    home.prepare()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(home.runner_socket))
        other.listen()
        with pytest.raises(SocketTaken):
            async with listening(home):
                pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(home.runner_socket))
    assert not home.operator_socket.exists()


async def test_a_request_past_the_limit_is_refused_by_the_operators_socket(short_tmp: Path) -> None:
    home = short_home(short_tmp)
    async with listening(home) as (_, tokens):
        operator, runner = home.operator_token.read_text().strip(), tokens.issue_runner("run-1")
        largest, larger = bytes(MAX_MESSAGE_BYTES), bytes(MAX_MESSAGE_BYTES + 1)
        assert await _ask(home.operator_socket, operator, INFO, largest) is None
        assert isinstance(await _ask(home.operator_socket, operator, INFO, larger), ResourceExhausted)
        assert await _ask(home.operator_socket, operator, PUSH, larger) is None
        assert await _ask(home.runner_socket, runner, INFO, larger) is None


async def test_metadata_past_the_limit_is_refused_and_the_server_goes_on(short_tmp: Path) -> None:
    home = short_home(short_tmp)
    async with listening(home):
        operator = home.operator_token.read_text().strip()
        much = (("x-much", "x" * (3 * METADATA_BYTES)),)
        assert isinstance(await _ask(home.operator_socket, operator, extra=much), ResourceExhausted)
        assert await _ask(home.operator_socket, operator) is None


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(range(256)) * 64, b""], ids=["http", "bytes", "none"]
)
async def test_garbage_on_the_socket_hurts_nobody(short_tmp: Path, garbage: bytes) -> None:
    home = short_home(short_tmp)
    async with listening(home):
        _, writer = await asyncio.open_unix_connection(home.operator_socket)
        writer.write(garbage)
        with suppress(ConnectionError):
            await writer.drain()
        assert await _ask(home.operator_socket, home.operator_token.read_text().strip()) is None
        writer.close()


async def test_what_is_under_way_is_given_time_at_the_end(short_tmp: Path) -> None:
    home = short_home(short_tmp)
    home.prepare()
    began, may_end = asyncio.Event(), asyncio.Event()

    class Slow(grpc.GenericRpcHandler):
        def service(
            self, handler_call_details: grpc.HandlerCallDetails
        ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
            async def answer(request: bytes, _context: object) -> bytes:
                began.set()
                await may_end.wait()
                return request

            return grpc.unary_unary_rpc_method_handler(answer)

    tokens = Tokens.open(home)
    listeners = Listeners(
        home, tokens, [operator_door(home, [lambda server: server.add_generic_rpc_handlers([Slow()])])], translations=[]
    )
    await listeners.open()
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(_ask(home.operator_socket, home.operator_token.read_text().strip()))
        await began.wait()
        closing = group.create_task(listeners.close(20))
        await until(lambda: not home.operator_socket.exists(), "no new call is taken")
        may_end.set()
    assert asked.result() is None
    assert closing.done()


async def test_streams_are_ended_at_the_end_and_their_callers_told(short_tmp: Path) -> None:
    home = short_home(short_tmp)
    home.prepare()
    closed: list[str] = []

    class Endless(grpc.GenericRpcHandler):
        def service(
            self, handler_call_details: grpc.HandlerCallDetails
        ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
            async def answer(_request: bytes, _context: object) -> AsyncGenerator[bytes]:
                try:
                    yield b"one"
                    await asyncio.Event().wait()
                finally:
                    closed.append("closed")

            return grpc.unary_stream_rpc_method_handler(answer)

    listeners = Listeners(
        home,
        Tokens.open(home),
        [operator_door(home, [lambda server: server.add_generic_rpc_handlers([Endless()])])],
        translations=[],
    )
    await listeners.open()
    async with aio.insecure_channel(unix_target(home.operator_socket)) as channel:
        follow: aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(
            "/stigmer.execution.v1.ExecutionService/Watch"
        )
        stream = follow(b"", metadata=(("authorization", f"Bearer {home.operator_token.read_text().strip()}"),))
        assert await stream.read() == b"one"
        assert listeners.open_streams == 1
        async with asyncio.timeout(20):
            await listeners.close(3600)
        with pytest.raises(aio.AioRpcError) as ended:
            await stream.read()
    assert isinstance(error_from_rpc(ended.value), Unavailable)
    assert is_from_stigmer(ended.value)
    assert closed == ["closed"]
    assert listeners.open_streams == 0


@pytest.mark.parametrize("loss", ["socket", "run directory", "replaced"])
async def test_sockets_that_are_taken_away_are_made_again(
    short_tmp: Path, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners_module, "LOOK_SECONDS", 0.02)
    home = short_home(short_tmp)
    async with listening(home) as (listeners, _):
        operator = home.operator_token.read_text().strip()
        old = home.operator_socket.lstat()
        async with aio.insecure_channel(unix_target(home.operator_socket)) as connected:
            call: aio.UnaryUnaryMultiCallable[bytes, bytes] = connected.unary_unary(INFO)
            metadata = (("authorization", f"Bearer {operator}"),)
            await call(b"", metadata=metadata, timeout=20)
            keeping = asyncio.create_task(listeners.keep())
            match loss:
                case "socket":
                    home.operator_socket.unlink()
                case "run directory":
                    shutil.rmtree(home.run)
                case _:
                    home.operator_socket.unlink()
                    with socket.socket(socket.AF_UNIX) as other:
                        other.bind(str(home.operator_socket))

            def again() -> bool:
                try:
                    there = home.operator_socket.lstat()
                except FileNotFoundError:
                    return False
                return there.st_mtime_ns != old.st_mtime_ns and stat.S_IMODE(there.st_mode) == 0o600

            await until(again, "the socket is there again")
            await until(lambda: home.operator_token.exists(), "the token is there again")
            assert home.operator_token.read_text().strip() == operator
            assert await _ask(home.operator_socket, operator) is None
            await call(b"", metadata=metadata, timeout=20)
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
    assert not home.operator_socket.exists()


async def test_a_directory_that_cannot_be_made_again_is_waited_for(
    short_tmp: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listeners_module, "LOOK_SECONDS", 0.02)
    home = short_home(short_tmp)
    async with listening(home) as (listeners, _):
        operator = home.operator_token.read_text().strip()
        keeping = asyncio.create_task(listeners.keep())
        shutil.rmtree(home.run)
        home.run.write_text("in the way")
        await until(lambda: "cannot be made again yet" in caplog.text, "it is said that it cannot be done")
        home.run.unlink()
        await until(lambda: "were made again" in caplog.text, "they are made again")
        assert await _ask(home.operator_socket, operator) is None
        assert caplog.text.count("cannot be made again yet") == 1
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
