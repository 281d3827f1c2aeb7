"""What the interceptor does for the service inside a call: principal, validation, failures, streams closed in time."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_pb2 as execution_pb2
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import AgentInstance
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.errors import Aborted, FailedPrecondition, InvalidArgument, StigmerError
from stigmer_apis.errors_grpc import error_from_rpc
from stigmer_apis.home import Home
from stigmer_apis.transport import aio, grpc
from stigmer_backend.access import AccessInterceptor, principal
from stigmer_backend.access.failures import as_stigmer_error
from tests.access.served import serving, short_home
from tests.access.waiting import DEADLINE_SECONDS, until

EXECUTIONS = "ai.stigmer.agentic.agentexecution.v1.AgentExecutionQueryController"
UNARY = f"/{EXECUTIONS}/get"
DOWN = f"/{EXECUTIONS}/subscribe"
UP = "/ai.stigmer.agentic.skill.v1.SkillCommandController/push"
BOTH = "/stigmer.terminal.v1.TerminalService/Attach"

Id = execution_pb2.AgentExecutionId
Context = aio.ServicerContext[Id, Id]

Steps = Callable[[], object]


class Served(grpc.GenericRpcHandler):
    """One method of each kind. Each runs `step` for every request that reaches it, and answers with the principal."""

    def __init__(self, step: Steps) -> None:
        self.step = step
        self.closed = asyncio.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Id, Id] | None":
        made = {
            UNARY: (grpc.unary_unary_rpc_method_handler, self.unary),
            DOWN: (grpc.unary_stream_rpc_method_handler, self.down),
            UP: (grpc.stream_unary_rpc_method_handler, self.up),
            BOTH: (grpc.stream_stream_rpc_method_handler, self.both),
        }.get(handler_call_details.method)
        if made is None:
            return None
        make, behaviour = made
        return make(behaviour, Id.FromString, Id.SerializeToString)

    async def unary(self, request: Id, _context: Context) -> Id:
        self.step()
        return Id(value=f"{request.value} {principal().name}")

    async def down(self, request: Id, _context: Context) -> AsyncGenerator[Id]:
        try:
            yield Id(value=f"{request.value} {principal().name}")
            self.step()
            while True:
                yield Id(value="more")
                await asyncio.sleep(0)
        finally:
            self.closed.set()

    async def up(self, requests: AsyncIterator[Id], _context: Context) -> Id:
        said = ""
        async for request in requests:
            self.step()
            said += request.value
        return Id(value=f"{said} {principal().name}")

    async def both(self, requests: AsyncIterator[Id], context: Context) -> None:
        async for request in requests:
            self.step()
            await context.write(Id(value=f"{request.value} {principal().name}"))


class Caller:
    """Calls the four methods as the operator."""

    def __init__(self, channel: aio.Channel, home: Home) -> None:
        self.metadata = (("authorization", f"Bearer {home.operator_token.read_text().strip()}"),)
        self._channel = channel

    async def call(self, method: str, *values: str) -> list[str]:
        """Send `values`; return up to two answers."""
        coding = (Id.SerializeToString, Id.FromString)

        async def requests() -> AsyncIterator[Id]:
            for value in values:
                yield Id(value=value)

        match method:
            case m if m == UNARY:
                one: aio.UnaryUnaryMultiCallable[Id, Id] = self._channel.unary_unary(m, *coding)
                return [(await one(Id(value=values[0]), metadata=self.metadata, timeout=20)).value]
            case m if m == UP:
                up: aio.StreamUnaryMultiCallable[Id, Id] = self._channel.stream_unary(m, *coding)
                return [(await up(requests(), metadata=self.metadata, timeout=20)).value]
            case m if m == DOWN:
                down: aio.UnaryStreamMultiCallable[Id, Id] = self._channel.unary_stream(m, *coding)
                return await _two(down(Id(value=values[0]), metadata=self.metadata, timeout=20))
            case m:
                both: aio.StreamStreamMultiCallable[Id, Id] = self._channel.stream_stream(m, *coding)
                return await _two(both(requests(), metadata=self.metadata, timeout=20))

    def open_down(self, value: str) -> aio.UnaryStreamCall[Id, Id]:
        """Open the stream that the server sends, and leave it open."""
        down: aio.UnaryStreamMultiCallable[Id, Id] = self._channel.unary_stream(
            DOWN, Id.SerializeToString, Id.FromString
        )
        return down(Id(value=value), metadata=self.metadata)

    async def failure(self, method: str, *values: str) -> StigmerError:
        with pytest.raises(aio.AioRpcError) as failed:
            await self.call(method, *values)
        return error_from_rpc(failed.value)


async def _two(answers: aio.UnaryStreamCall[Id, Id] | aio.StreamStreamCall[Id, Id]) -> list[str]:
    got: list[str] = []
    async for answer in answers:
        got.append(answer.value)
        if len(got) == 2:
            answers.cancel()
            break
    return got


@asynccontextmanager
async def calling(
    directory: Path, step: Steps = lambda: None
) -> AsyncGenerator[tuple[Caller, Served, AccessInterceptor]]:
    home = short_home(directory)
    served = Served(step)
    async with serving(home, [served]) as (interceptor, _, channel):
        yield Caller(channel, home), served, interceptor


async def test_the_service_knows_who_calls(short_tmp: Path) -> None:
    async with calling(short_tmp) as (caller, _, _):
        assert await caller.call(UNARY, "a") == ["a local operator"]
        assert await caller.call(UP, "a", "b") == ["ab local operator"]
        assert await caller.call(DOWN, "a") == ["a local operator", "more"]
        assert await caller.call(BOTH, "a", "b") == ["a local operator", "b local operator"]
    with pytest.raises(LookupError):
        principal()


@pytest.mark.parametrize("method", [UNARY, DOWN, UP, BOTH])
async def test_each_request_is_checked_before_the_service_sees_it(short_tmp: Path, method: str) -> None:
    reached: list[str] = []
    async with calling(short_tmp, lambda: reached.append(method)) as (caller, _, _):
        failure = await caller.failure(method, "")
        assert isinstance(failure, InvalidArgument)
        assert [(violation.field, violation.rule) for violation in failure.violations] == [("value", "required")]
        assert "AgentExecutionId" in failure.message
    assert reached == []


@pytest.mark.parametrize("method", [UP, BOTH])
async def test_a_bad_message_in_the_middle_of_a_stream_ends_it(short_tmp: Path, method: str) -> None:
    reached: list[str] = []
    async with calling(short_tmp, lambda: reached.append(method)) as (caller, _, _):
        assert isinstance(await caller.failure(method, "good", "", "never"), InvalidArgument)
    assert reached == [method]


@pytest.mark.parametrize("method", [UNARY, DOWN, UP, BOTH])
async def test_what_was_foreseen_is_told_as_it_is(short_tmp: Path, method: str) -> None:
    def refuse() -> None:
        raise FailedPrecondition("it had ended", remedy="start another one")

    async with calling(short_tmp, refuse) as (caller, _, _):
        failure = await caller.failure(method, "a")
    assert type(failure) is FailedPrecondition
    assert (failure.message, failure.remedy) == ("it had ended", "start another one")


@pytest.mark.parametrize("method", [UNARY, DOWN, UP, BOTH])
async def test_what_was_not_foreseen_is_in_the_log_and_not_in_the_answer(
    short_tmp: Path, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        local_secret = "in a local variable"
        raise RuntimeError(f"in the text, {len(local_secret)}")

    async with calling(short_tmp, fail) as (caller, _, _):
        with pytest.raises(aio.AioRpcError) as failed:
            await caller.call(method, "a")
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    everything_told = f"{failed.value.details()} {failed.value.trailing_metadata()}"
    assert "in the text" not in everything_told
    assert "Traceback" not in everything_told
    said = error_from_rpc(failed.value)
    reference = said.message.rpartition("reference ")[2].rstrip(")")
    assert reference in caplog.text
    assert "in the text, 19" in caplog.text
    assert "in fail" in caplog.text
    assert "in a local variable" not in caplog.text


async def test_an_abort_of_the_service_passes(short_tmp: Path) -> None:
    class Aborting(Served):
        async def unary(self, request: Id, _context: Context) -> Id:
            await _context.abort(grpc.StatusCode.OUT_OF_RANGE, request.value)

    home = short_home(short_tmp)
    async with serving(home, [Aborting(lambda: None)]) as (_, _, channel):
        with pytest.raises(aio.AioRpcError) as failed:
            await Caller(channel, home).call(UNARY, "past the end")
        assert (failed.value.code(), failed.value.details()) == (grpc.StatusCode.OUT_OF_RANGE, "past the end")


async def test_a_client_that_leaves_closes_the_stream_of_the_service(short_tmp: Path) -> None:
    async with calling(short_tmp) as (caller, served, interceptor):
        stream = caller.open_down("a")
        await stream.read()
        assert interceptor.open_streams == 1
        await caller.call(UNARY, "a")
        assert interceptor.open_streams == 1
        stream.cancel()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await served.closed.wait()
        await until(lambda: interceptor.open_streams == 0, "no stream is counted as open")


def test_an_error_out_of_a_task_group_is_told_as_it_is() -> None:
    inner = Aborted("somebody was faster")
    assert as_stigmer_error(ExceptionGroup("tasks", [ExceptionGroup("inner", [inner])]), "/m") is inner


def test_a_group_with_something_unforeseen_in_it_is_unforeseen(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        told = as_stigmer_error(ExceptionGroup("tasks", [Aborted("foreseen"), KeyError("not foreseen")]), "/m")
    assert "reference" in told.message
    assert "not foreseen" in caplog.text


def test_an_error_of_a_layer_below_is_translated() -> None:
    told = as_stigmer_error(
        TimeoutError("disk"), "/m", [lambda e: Aborted("slow") if isinstance(e, TimeoutError) else None]
    )
    assert (type(told), told.message) == (Aborted, "slow")


def test_a_method_that_is_not_written_comes_later() -> None:
    assert "comes later" in as_stigmer_error(NotImplementedError(), "/m").message


def test_an_environment_may_be_referred_to_although_the_contract_asks_for_another_kind() -> None:
    from stigmer_backend.access.validation import validate

    instance = AgentInstance(api_version="agentic.stigmer.ai/v1", kind="AgentInstance")
    instance.metadata.name = "one"
    instance.metadata.owner_scope = ApiResourceOwnerScope.organization
    instance.spec.agent_id = "agt-1"
    instance.spec.environment_refs.add(kind=ApiResourceKind.environment, slug="e")
    validate(instance)
    instance.spec.environment_refs.add(kind=ApiResourceKind.agent, slug="a")
    with pytest.raises(InvalidArgument) as refused:
        validate(instance)
    assert [violation.field for violation in refused.value.violations] == ["spec.environment_refs[1]"]
