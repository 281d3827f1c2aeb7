"""Generated code is up to date, imports by itself, and serves and calls typed asynchronous methods."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

from protogen import output
from protogen.compile import APIS
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import (
    agent_execution_enums_pb2 as enums,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import (
    agent_execution_pb2 as messages,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import (
    agent_execution_service_pb2_grpc as services,
)
from tests.contract.generated import image, module_names


def _generate(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(APIS / "generate.py"), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_it_is_up_to_date() -> None:
    done = _generate("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_stale_missing_or_left_over_is_named_and_mended(tmp_path: Path) -> None:
    fresh, committed = tmp_path / "fresh", tmp_path / "committed"
    for folder, files in {
        fresh: {"a_pb2.py": "1", "b/b_pb2.pyi": "2"},
        committed: {"a_pb2.py": "0", "c_pb2.py": "3"},
    }.items():
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    assert output.differences(fresh, committed) == ["left over: c_pb2.py", "missing: b/b_pb2.pyi", "stale: a_pb2.py"]
    output.install(fresh, committed)
    assert output.differences(fresh, committed) == []
    assert sorted(path.name for path in committed.rglob("*") if path.is_file()) == ["a_pb2.py", "b_pb2.pyi"]


@pytest.mark.parametrize("order", [1, -1], ids=["forwards", "backwards"])
def test_every_module_imports_without_a_warning_and_without_the_folder_of_the_sources(order: int) -> None:
    names = module_names()[::order]
    assert len(names) > 100
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    program += "assert not {'ai', 'buf', 'stigmer', 'generate', 'protogen'} & set(sys.modules)\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *names], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr


def test_every_source_has_its_modules() -> None:
    names = set(module_names())
    for file in image().file:
        if not file.name.startswith("google/"):
            module = "stigmer_apis._generated." + file.name.removesuffix(".proto").replace("/", ".") + "_pb2"
            assert module in names
            assert (f"{module}_grpc" in names) == bool(file.service)


class _Query(services.AgentExecutionQueryControllerServicer):
    """Answers each method with what shows that its request arrived."""

    async def get(
        self,
        request: messages.AgentExecutionId,
        context: grpc.aio.ServicerContext[messages.AgentExecutionId, messages.AgentExecution],
    ) -> messages.AgentExecution:
        if not request.value:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no id")
        return messages.AgentExecution(spec=messages.AgentExecutionSpec(message=request.value))

    async def list(
        self,
        request: messages.ListAgentExecutionsRequest,
        context: grpc.aio.ServicerContext[messages.ListAgentExecutionsRequest, messages.AgentExecutionList],
    ) -> messages.AgentExecutionList:
        return messages.AgentExecutionList(total_pages=request.page_size, next_page_token="next")

    async def listBySession(
        self,
        request: messages.ListAgentExecutionsBySessionRequest,
        context: grpc.aio.ServicerContext[messages.ListAgentExecutionsBySessionRequest, messages.AgentExecutionList],
    ) -> messages.AgentExecutionList:
        return messages.AgentExecutionList()

    async def subscribe(
        self,
        request: messages.AgentExecutionId,
        context: grpc.aio.ServicerContext[messages.AgentExecutionId, messages.AgentExecution],
    ) -> AsyncIterator[messages.AgentExecution]:
        for phase in (enums.EXECUTION_PENDING, enums.EXECUTION_IN_PROGRESS, enums.EXECUTION_COMPLETED):
            yield messages.AgentExecution(status=messages.AgentExecutionStatus(phase=phase))


async def test_services_and_stubs_meet_over_a_socket(short_tmp: Path) -> None:
    server = grpc.aio.server()
    services.add_AgentExecutionQueryControllerServicer_to_server(_Query(), server)
    address = f"unix:{short_tmp / 'api.sock'}"
    server.add_insecure_port(address)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            stub = services.AgentExecutionQueryControllerStub(channel)
            got = await stub.get(messages.AgentExecutionId(value="aex-1"), timeout=30)
            assert got.spec.message == "aex-1"
            page = await stub.list(messages.ListAgentExecutionsRequest(page_size=7), timeout=30)
            assert (page.total_pages, page.next_page_token) == (7, "next")
            seen = [
                item.status.phase async for item in stub.subscribe(messages.AgentExecutionId(value="x"), timeout=30)
            ]
            assert seen == [enums.EXECUTION_PENDING, enums.EXECUTION_IN_PROGRESS, enums.EXECUTION_COMPLETED]
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.get(messages.AgentExecutionId(), timeout=30)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    finally:
        await server.stop(None)


def test_method_paths_are_the_published_ones() -> None:
    full = "ai.stigmer.agentic.agentexecution.v1.AgentExecutionQueryController"
    paths = {
        f"/{file.package}.{service.name}/{method.name}"
        for file in image().file
        for service in file.service
        for method in service.method
    }
    assert f"/{full}/listBySession" in paths
    assert "/ai.stigmer.agentic.workflowrunner.v1.WorkflowRunnerServiceController/executeAsync" in paths
