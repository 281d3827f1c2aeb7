"""A daemon that passes calls on answers as the one that leads does: every call, by everybody, with messages, ends and mistakes of any kind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.errors import NotFound, Unavailable
from stigmer_apis.errors_grpc import error_from_rpc
from stigmer_apis.protocol import AUTHORIZATION
from stigmer_apis.transport import aio, grpc
from stigmer_backend.access import POLICIES, Principal, Role, principal
from stigmer_backend.peers.credential import GOOD_SECONDS, credential
from stigmer_backend.peers.forwarding import LINK
from tests.access.served import AnswersAll, call, every_rpc
from tests.peers.pair import Pair, pair
from tests.support.waiting import eventually

GET = "/stigmer.server.v1.ServerService/GetServerInfo"
TAIL = "/stigmer.execution.v1.ExecutionService/Tail"
ATTACH = "/stigmer.terminal.v1.TerminalService/Attach"
MEGABYTES = 4 << 20

Context = aio.ServicerContext[bytes, bytes]


class Answering(grpc.GenericRpcHandler):
    """One method as a stream of both sides."""

    def __init__(self, method: str, answer: "Callable[[AsyncIterator[bytes], Context], AsyncIterator[bytes]]") -> None:
        self._method = method
        self._answer = answer

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        if handler_call_details.method != self._method:
            return None
        return grpc.stream_stream_rpc_method_handler(self._answer)


def metadata(both: Pair, role: Role = Role.OPERATOR) -> tuple[tuple[str, str], ...]:
    return ((AUTHORIZATION, f"Bearer {both.token(role)}"),)


async def test_every_rpc_for_every_caller_is_answered_as_without_a_way_in_between(short_tmp: Path) -> None:
    rpcs, wrong = every_rpc(), list[str]()
    async with pair(short_tmp, [AnswersAll(rpcs)]) as both:
        of_role = {role: both.token(role) for role in (Role.OPERATOR, Role.VIEWER, Role.RUNNER)}
        for rpc in rpcs:
            policy = POLICIES[rpc.method]
            for role, token in of_role.items():
                code, words = await call(both.channel, rpc, token)
                expected = grpc.StatusCode.OK if role in policy.roles else grpc.StatusCode.PERMISSION_DENIED
                wrong += [] if code is expected else [f"{rpc.method} for {role.value}: {code.name} ({words})"]
            code, words = await call(both.channel, rpc, "d3Jvbmc" * 6)
            if not policy.open and code is not grpc.StatusCode.UNAUTHENTICATED:
                wrong.append(f"{rpc.method} for a stranger: {code.name} ({words})")
    assert wrong == []


async def test_large_messages_who_asks_and_what_goes_beside_them_pass_whole(short_tmp: Path) -> None:
    seen: list[tuple[Principal, dict[str, str | bytes], float | None]] = []

    async def answer(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        seen.append((principal(), dict(context.invocation_metadata() or ()), context.time_remaining()))
        async for request in requests:
            yield request[::-1]
        context.set_trailing_metadata((("x-end", "well"), ("x-bytes-bin", b"\0\xff")))

    async with pair(short_tmp, [Answering(ATTACH, answer)]) as both:
        large = bytes(range(256)) * (MEGABYTES // 256)
        multi: aio.StreamStreamMultiCallable[bytes, bytes] = both.channel.stream_stream(ATTACH)
        asked = multi(timeout=60, metadata=(*metadata(both), ("x-mine", "kept")))
        for request in (large, b"", b"one more"):
            await asked.write(request)
            assert await asked.read() == request[::-1]
        await asked.done_writing()
        assert await asked.read() is aio.EOF
        ending = dict(await asked.trailing_metadata() or ())
    caller, beside, remaining = seen[0]
    assert (caller.role, caller.via, caller.name) == (Role.OPERATOR, "here", "local operator by way of here")
    assert beside["x-mine"] == "kept"
    assert str(beside[AUTHORIZATION]).startswith("Bearer stgp1.")
    assert remaining is not None
    assert remaining <= 60
    assert (ending["x-end"], ending["x-bytes-bin"]) == ("well", b"\0\xff")


async def test_a_mistake_comes_back_with_its_words_and_its_remedy(short_tmp: Path) -> None:
    async def refuse(_requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
        yield b"first"
        raise NotFound("there is no such run", remedy="look at the list")

    async with pair(short_tmp, [Answering(TAIL, refuse)]) as both:
        multi: aio.UnaryStreamMultiCallable[bytes, bytes] = both.channel.unary_stream(TAIL)
        asked = multi(b"", metadata=metadata(both), timeout=30)
        assert await asked.read() == b"first"
        with pytest.raises(aio.AioRpcError) as refused:
            await asked.read()
        told = error_from_rpc(refused.value)
        assert isinstance(told, NotFound)
        assert (told.message, told.remedy) == ("there is no such run", "look at the list")


async def test_a_request_that_is_too_large_is_refused_here_in_words(short_tmp: Path) -> None:
    async with pair(short_tmp, [AnswersAll(every_rpc())]) as both:
        with pytest.raises(aio.AioRpcError) as refused:
            await both.channel.unary_unary(GET)(bytes(40 << 20), metadata=metadata(both), timeout=30)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "at most" in (refused.value.details() or "")


async def test_who_goes_away_is_gone_there_too_and_so_is_what_takes_too_long(short_tmp: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def stay(_requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
        yield b"begun"
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with pair(short_tmp, [Answering(TAIL, stay)]) as both:
        multi: aio.UnaryStreamMultiCallable[bytes, bytes] = both.channel.unary_stream(TAIL)
        asked = multi(b"", metadata=metadata(both))
        assert await asked.read() == b"begun"
        asked.cancel()
        await eventually(ended.is_set)
        ended.clear()
        late = multi(b"", metadata=metadata(both), timeout=1)
        with pytest.raises(aio.AioRpcError) as over:
            async for _ in late:
                pass
        assert over.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await eventually(ended.is_set)


async def test_when_another_takes_the_lead_calls_end_and_new_ones_go_there(short_tmp: Path) -> None:
    async def stay(_requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.Event().wait()

    async with pair(short_tmp, [Answering(TAIL, stay)]) as both:
        multi: aio.UnaryStreamMultiCallable[bytes, bytes] = both.channel.unary_stream(TAIL)
        asked = multi(b"", metadata=metadata(both), timeout=60)
        assert await asked.read() == b"begun"
        both.next_epoch()
        with pytest.raises(aio.AioRpcError) as ended:
            await asked.read()
        told = error_from_rpc(ended.value)
        assert isinstance(told, Unavailable)
        assert "another daemon takes the lead" in told.message
        again = multi(b"", metadata=metadata(both), timeout=60)
        assert await again.read() == b"begun"
        again.cancel()


async def test_without_a_lead_a_call_is_refused_in_words_after_a_while(short_tmp: Path) -> None:
    async with pair(short_tmp, [], wait=0.2) as both:
        lead, both.lead = both.lead, None
        assert lead is not None
        await eventually(lambda: both.way.lead is None)
        assert "leads" in await _refusal(both) or "takes the lead" in await _refusal(both)
        both.lead = replace(lead, presence=replace(lead.presence, socket=""))
        await eventually(lambda: "does not say where it is reached" in both.way.why_not)
        assert "process 1 on there leads the database" in await _refusal(both)
        both.lead = replace(lead, presence=replace(lead.presence, socket="", address="127.0.0.1:1"))
        await eventually(lambda: both.way.lead is not None)
        assert "process 1 on there, does not answer" in await _refusal(both)


async def _refusal(both: Pair) -> str:
    with pytest.raises(aio.AioRpcError) as refused:
        await both.channel.unary_unary(GET)(b"", metadata=metadata(both), timeout=30)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    return refused.value.details() or ""


async def test_a_credential_gives_no_more_than_its_maker_had_and_only_to_who_leads(short_tmp: Path) -> None:
    async with pair(short_tmp, [AnswersAll(every_rpc())]) as both:
        lead = both.lead
        assert lead is not None
        viewer = Principal(Role.VIEWER, "somebody")
        good = credential(lead, viewer, "here")
        body, seal = good.rsplit(".", 1)
        bad = {
            "another seal": f"{body}.{seal[::-1]}",
            "another claim": good.replace(body[6:], credential(lead, Principal(Role.OPERATOR, "x"), "h").split(".")[1]),
            "nothing in it": "stgp1..",
            "no sense": "stgp1.!!.!!",
            "out of date": credential(lead, viewer, "here", lambda: 1000.0),
            "of the future": credential(lead, viewer, "here", lambda: 9e9 + GOOD_SECONDS),
        }
        async with aio.insecure_channel(f"unix:{lead.presence.socket}") as there:
            info, write = (
                next(rpc for rpc in every_rpc() if rpc.method.endswith(end)) for end in ("/GetStatus", "/Shutdown")
            )
            assert (await call(there, info, good))[0] is grpc.StatusCode.OK
            assert (await call(there, write, good))[0] is grpc.StatusCode.PERMISSION_DENIED
            assert {name: (await call(there, info, token))[0] for name, token in bad.items()} == dict.fromkeys(
                bad, grpc.StatusCode.UNAUTHENTICATED
            )
            assert (await call(there, info, both.token(Role.OPERATOR)))[0] is grpc.StatusCode.UNAUTHENTICATED
            assert (await call(both.channel, info, good))[0] is grpc.StatusCode.UNAVAILABLE
            both.next_epoch()
            assert (await call(there, info, good))[0] is grpc.StatusCode.UNAVAILABLE


async def test_a_runner_is_told_to_leave_in_the_midst_of_what_it_is_sent(short_tmp: Path) -> None:
    async def link(requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request

    async with pair(short_tmp, [Answering(LINK, link)]) as both:
        multi: aio.StreamStreamMultiCallable[bytes, bytes] = both.channel.stream_stream(LINK)
        asked = multi(metadata=metadata(both, Role.RUNNER), timeout=60)
        await asked.write(b"one")
        assert await asked.read() == b"one"
        assert both.forwarding.is_linked("run-1")
        both.forwarding.say_farewell("run-1", "it ends")
        told = LinkResponse.FromString(cast("bytes", await asked.read()))
        assert told.shut_down.reason == "it ends"
        await asked.write(b"two")
        assert await asked.read() == b"two"
        await asked.done_writing()
        assert await asked.read() is aio.EOF
        await eventually(lambda: not both.forwarding.is_linked("run-1"))
