"""Every RPC of every descriptor has a policy, and a real server applies it to every role, to no token and to a wrong one."""

from pathlib import Path

import pytest

from stigmer_apis.transport import aio, grpc
from stigmer_backend.access import POLICIES, Role, Tokens
from tests.access.served import AnswersAll, Rpc, call, every_rpc, serving, short_home

RPCS = every_rpc()

_WRONG_TOKEN = "d3Jvbmc" * 6


def _tokens_of_roles(tokens: Tokens, directory: Path) -> dict[Role, str]:
    home = short_home(directory)
    return {
        Role.OPERATOR: home.operator_token.read_text().strip(),
        Role.VIEWER: home.viewer_token.read_text().strip(),
        Role.RUNNER: tokens.issue_runner("run-1"),
    }


def test_every_rpc_has_a_policy_and_no_policy_stands_for_nothing() -> None:
    assert {rpc.method for rpc in RPCS} == set(POLICIES)


def test_what_a_viewer_may_an_operator_may() -> None:
    assert [
        method
        for method, policy in POLICIES.items()
        if Role.VIEWER in policy.roles and Role.OPERATOR not in policy.roles
    ] == []


def test_only_the_health_check_is_open() -> None:
    assert [method for method, policy in POLICIES.items() if policy.open] == ["/grpc.health.v1.Health/Check"]


def test_a_runner_reaches_its_own_service_and_nothing_that_belongs_to_people() -> None:
    reachable = {method for method, policy in POLICIES.items() if Role.RUNNER in policy.roles}
    assert reachable == {
        "/stigmer.runner.v1.RunnerService/Link",
        "/stigmer.runner.v1.RunnerService/ReadJournal",
        "/stigmer.runner.v1.RunnerService/GetExecutionContext",
        "/stigmer.runner.v1.RunnerService/GetProviderKey",
        "/stigmer.runner.v1.RunnerService/ReadSessionMemory",
        "/stigmer.runner.v1.RunnerService/ReadSkill",
        "/stigmer.runner.v1.RunnerService/WriteArtifact",
        "/stigmer.runner.v1.RunnerService/StartChildExecution",
        "/stigmer.runner.v1.RunnerService/AwaitExecution",
        "/stigmer.runner.v1.RunnerService/CancelChild",
        "/stigmer.runner.v1.RunnerService/PublishEvent",
        "/stigmer.runner.v1.RunnerService/CreateCallback",
        "/stigmer.runner.v1.RunnerService/KeepValue",
        "/stigmer.runner.v1.RunnerService/ReadValue",
        "/stigmer.runner.v1.RunnerService/AwaitCallback",
        "/stigmer.server.v1.ServerService/GetServerInfo",
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/List",
        "/grpc.health.v1.Health/Watch",
    }


async def test_every_rpc_for_every_caller(short_tmp: Path) -> None:
    wrong: list[str] = []
    async with serving(short_home(short_tmp), [AnswersAll(RPCS)]) as (_, tokens, channel):
        of_role = _tokens_of_roles(tokens, short_tmp)
        for rpc in RPCS:
            policy = POLICIES[rpc.method]
            expected = {
                role: grpc.StatusCode.OK if role in policy.roles else grpc.StatusCode.PERMISSION_DENIED
                for role in of_role
            }
            without = grpc.StatusCode.OK if policy.open else grpc.StatusCode.UNAUTHENTICATED
            for caller, token, code in [
                *((role.value, of_role[role], expected[role]) for role in of_role),
                ("no token", None, without),
                ("empty token", "", without),
                ("wrong token", _WRONG_TOKEN, without),
            ]:
                wrong += await _differs(channel, rpc, caller, token, code)
    assert wrong == []


async def _differs(channel: aio.Channel, rpc: Rpc, caller: str, token: str | None, code: grpc.StatusCode) -> list[str]:
    got, words = await call(channel, rpc, token)
    return [] if got is code else [f"{rpc.method} for {caller}: {got.name} ({words}), expected {code.name}"]


@pytest.mark.parametrize(
    ("admitted", "refused"),
    [({Role.VIEWER, Role.OPERATOR}, {Role.RUNNER}), ({Role.RUNNER}, {Role.VIEWER, Role.OPERATOR})],
    ids=["operator socket", "runner socket"],
)
async def test_a_socket_admits_its_roles_alone(short_tmp: Path, admitted: set[Role], refused: set[Role]) -> None:
    info = next(rpc for rpc in RPCS if rpc.method.endswith("/GetServerInfo"))
    async with serving(short_home(short_tmp), [AnswersAll(RPCS)], admits=admitted) as (_, tokens, channel):
        of_role = _tokens_of_roles(tokens, short_tmp)
        assert {role: (await call(channel, info, of_role[role]))[0] for role in of_role} == {
            **dict.fromkeys(admitted, grpc.StatusCode.OK),
            **dict.fromkeys(refused, grpc.StatusCode.PERMISSION_DENIED),
        }


async def test_a_method_without_a_policy_is_refused_to_everybody(short_tmp: Path) -> None:
    some = RPCS[0]
    stray = Rpc(
        "/stigmer.stray.v1.StrayService/Do", some.client_streaming, some.server_streaming, some.request, some.answer
    )
    async with serving(short_home(short_tmp), [AnswersAll([stray])]) as (_, tokens, channel):
        for token in _tokens_of_roles(tokens, short_tmp).values():
            assert (await call(channel, stray, token))[0] is grpc.StatusCode.PERMISSION_DENIED
        assert (await call(channel, stray, None))[0] is grpc.StatusCode.UNAUTHENTICATED


async def test_a_published_rpc_that_is_not_served_says_that_it_comes_later(short_tmp: Path) -> None:
    by_name = {rpc.method: rpc for rpc in RPCS}
    async with serving(short_home(short_tmp), []) as (_, tokens, channel):
        operator = _tokens_of_roles(tokens, short_tmp)[Role.OPERATOR]
        wanted = by_name["/ai.stigmer.agentic.workflowinstance.v1.WorkflowInstanceQueryController/get"]
        code, words = await call(channel, wanted, operator)
        assert code is grpc.StatusCode.UNIMPLEMENTED
        assert "workflow instance" in words
        assert "comes later" in words
        assert (await call(channel, wanted, None))[0] is grpc.StatusCode.UNAUTHENTICATED


async def test_a_method_that_does_not_exist_is_told_only_to_who_has_a_token(short_tmp: Path) -> None:
    some = RPCS[0]
    unknown = Rpc("/no.such.Service/method", False, False, some.request, some.answer)
    async with serving(short_home(short_tmp), []) as (_, tokens, channel):
        operator = _tokens_of_roles(tokens, short_tmp)[Role.OPERATOR]
        assert (await call(channel, unknown, operator))[0] is grpc.StatusCode.UNIMPLEMENTED
        assert (await call(channel, unknown, None))[0] is grpc.StatusCode.UNAUTHENTICATED


async def test_a_refusal_waits_for_no_request(short_tmp: Path) -> None:
    attach = next(rpc for rpc in RPCS if rpc.method.endswith("/Attach"))
    async with serving(short_home(short_tmp), [AnswersAll(RPCS)]) as (_, _tokens, channel):
        code, _ = await call(channel, attach, None, hold=True)
        assert code is grpc.StatusCode.UNAUTHENTICATED


async def test_two_tokens_are_none(short_tmp: Path) -> None:
    info = next(rpc for rpc in RPCS if rpc.method.endswith("/GetServerInfo"))
    async with serving(short_home(short_tmp), [AnswersAll(RPCS)]) as (_, tokens, channel):
        of_role = _tokens_of_roles(tokens, short_tmp)
        metadata = [("authorization", f"Bearer {of_role[role]}") for role in (Role.VIEWER, Role.OPERATOR)]
        with pytest.raises(aio.AioRpcError) as refused:
            await channel.unary_unary(info.method)(b"", metadata=metadata, timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
