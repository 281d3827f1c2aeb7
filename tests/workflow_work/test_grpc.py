"""`call: grpc`: methods that are described by a file, by the server itself, or by nobody."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.reflection import enable_server_reflection

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.transport import aio, grpc
from stigmer_runner.durable.workflow_messages import secret_marker
from stigmer_runner.workflow.descriptions import from_source, method_of
from stigmer_runner.workflow.problems import TaskProblem
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.remote_calls import CallGrpc
from stigmer_runner.workflow.resources import Resources
from stigmer_runner.workflow.secrets import Secrets
from tests.workflow_work.bench import Bench

SHOP = """
syntax = "proto3";  // a comment
/* another
   one */
package shop.v1;
import "google/protobuf/timestamp.proto";
option go_package = "shop/v1;shop";

enum Color { option allow_alias = true; RED = 0; ROT = 0 [deprecated = true]; BLUE = -1; }

message Order {
  message Line { string sku = 1; uint32 count = 2; }
  reserved 5, 6 to 9;
  reserved "old";
  string id = 1;
  repeated Line lines = 2;
  map<string, Line> by_sku = 3;
  optional int64 total = 4;
  oneof pay { string card_no = 10; bytes cash = 11; }
  google.protobuf.Timestamp at_time = 12;
  Color color = 13 [json_name = "colour", deprecated = true];
  .shop.v1.Order.Line first = 14;
}

service Shop {
  option deprecated = false;
  rpc Get(Order) returns (Order) { option (x).y = { a: 1 }; }
  rpc Watch(Order) returns (stream shop.v1.Order);
  rpc Put(stream Order) returns (Order) {}
}
"""
ORDER = {
    "id": "a",
    "lines": [{"sku": "s", "count": 3}],
    "bySku": {"k": {"sku": "s", "count": 1}},
    "total": "5",
    "cardNo": "x",
    "atTime": "2026-01-01T00:00:00Z",
    "colour": "BLUE",
}


def shop() -> tuple[DescriptorPool, Any]:
    pool = from_source(SHOP, "shop.proto")
    return pool, GetMessageClass(method_of(pool, "shop.v1.Shop", "Get").input_type)


def test_a_file_is_read_as_the_compiler_reads_it() -> None:
    pool, order = shop()
    assert MessageToDict(ParseDict(ORDER, order(), descriptor_pool=pool)) == ORDER
    found = pool.FindMessageTypeByName("shop.v1.Order")
    assert [each.name for each in found.oneofs] == ["pay", "_total"]
    first = found.fields_by_name["first"].message_type
    assert first is not None
    assert first.full_name == "shop.v1.Order.Line"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("message A {\n  int32 a = x;\n}", "line 2: a number"),
        ('import "other.proto";', "cannot be imported"),
        ("message A { $ }", "'$'"),
        ("message A {", "the end"),
        ("message A { group G = 1 {} }", "group"),
        ("nonsense", "nonsense"),
        ("message A { B b = 1; }", "broken"),
        ("message A{" * 200, "too deep"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(source: str, words: str) -> None:
    with pytest.raises(TaskProblem) as found:
        from_source(source, "a.proto")
    assert words in str(found.value)


class Healthy(health_pb2_grpc.HealthServicer):
    async def Check(self, request: health_pb2.HealthCheckRequest, context: object) -> health_pb2.HealthCheckResponse:
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A server with the shop, which does not describe it, and with a service of health, which it does."""
    pool, order = shop()

    async def get(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        metadata = dict(context.invocation_metadata() or ())
        if request.id == "refused":
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for you")
        return order(id=f"{request.id} {metadata.get('authorization', '')}")

    async def watch(request: Any, context: aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        for number in range(3):
            yield order(id=str(number))

    handlers = {
        "Get": grpc.unary_unary_rpc_method_handler(get, order.FromString, order.SerializeToString),
        "Watch": grpc.unary_stream_rpc_method_handler(watch, order.FromString, order.SerializeToString),
    }
    server = aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.v1.Shop", handlers),))
    health_pb2_grpc.add_HealthServicer_to_server(Healthy(), server)
    enable_server_reflection(("grpc.health.v1.Health",), server)
    found = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield found
    await server.stop(None)
    del pool


class Caller:
    def __init__(self, port: int, workspace: Path) -> None:
        self.bench = Bench(Secrets({"KEY": "s3cret-key"}, {"KEY": "s3cret-key"}))
        self.port = port
        reach = Reach(Policy(), '{"service": {"host": "127.0.0.1"}}')
        proofs = Proofs(reach, self.bench.secrets)
        (workspace / "shop.proto").write_text(SHOP)
        self.work = CallGrpc(reach, proofs, Resources(reach, proofs, workspace, ()))

    def asks(self, service: str, method: str, **more: object) -> dict[str, object]:
        return {"service": {"name": service, "host": "127.0.0.1", "port": self.port}, "method": method, **more}


@pytest.fixture
def caller(port: int, tmp_path: Path) -> Caller:
    return Caller(port, tmp_path)


async def test_methods_that_are_described_by_a_file(caller: Caller) -> None:
    proto = {"endpoint": {"uri": "file:shop.proto"}}
    proof = {"bearer": {"token": secret_marker("KEY")}}
    asks = caller.asks("shop.v1.Shop", "Get", proto=proto, arguments={"id": "7"})
    answer = await caller.bench.do(caller.work, asks, proof=proof)
    assert isinstance(answer, dict)
    assert answer["id"] == "7 Bearer [secret KEY]"
    assert answer["lines"] == []
    answers = await caller.bench.do(caller.work, caller.asks("shop.v1.Shop", "Watch", proto=proto))
    assert isinstance(answers, list)
    assert [each["id"] for each in cast("list[dict[str, object]]", answers)] == ["0", "1", "2"]
    for asks, kind, words in (
        (caller.asks("shop.v1.Shop", "Get", proto=proto, arguments={"id": "refused"}), "authorization", "not for you"),
        (caller.asks("shop.v1.Shop", "Get", proto=proto, arguments={"nothing": 1}), "validation", "nothing"),
        (caller.asks("shop.v1.Shop", "Go", proto=proto), "configuration", "Get, Watch, Put"),
        (caller.asks("shop.v1.Shop", "Put", proto=proto), "configuration", "stream"),
        (caller.asks("Shop", "Get", proto=proto), "configuration", "no service"),
        (
            caller.asks("shop.v1.Shop", "Get", proto={"endpoint": {"uri": "file:none.proto"}}),
            "configuration",
            "none.proto",
        ),
    ):
        wrong = await caller.bench.wrong(caller.work, asks)
        assert (wrong.kind, words in str(wrong)) == (kind, True), wrong


async def test_a_server_that_describes_itself(caller: Caller) -> None:
    answer = await caller.bench.do(
        caller.work, caller.asks("grpc.health.v1.Health", "Check", arguments={"service": ""})
    )
    assert answer == {"status": "SERVING"}
    wrong = await caller.bench.wrong(caller.work, caller.asks("shop.v1.Shop", "Get"))
    assert wrong.kind == "configuration"
    assert "grpc.health.v1.Health" in str(wrong)


async def test_a_service_that_nobody_describes_says_what_to_do(tmp_path: Path) -> None:
    server = aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        caller = Caller(port, tmp_path)
        wrong = await caller.bench.wrong(caller.work, caller.asks("shop.v1.Shop", "Get"))
        assert wrong.kind == "configuration"
        assert "proto" in str(wrong)
    finally:
        await server.stop(None)
    wrong = await caller.bench.wrong(caller.work, caller.asks("shop.v1.Shop", "Get"))
    assert (wrong.kind, wrong.status) == ("communication", 503)
