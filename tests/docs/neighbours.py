"""What examples of a page call: a shop that answers over HTTP and describes itself, and a server that speaks gRPC, both on this machine."""

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from threading import Thread

from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.reflection import enable_server_reflection

from stigmer_apis.transport import aio
from tests.workflow_work.site import Answer, Request, as_json, served

SHOP, GRPC = "127.0.0.1:8080", "port: 50051"
"""How pages write where they are."""
STARTED_WITHIN = 60.0
DESCRIBED = {
    "openapi": "3.0.3",
    "paths": {
        "/orders/{id}": {
            "get": {
                "operationId": "getOrder",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            }
        }
    },
}


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where they really are."""

    http: int
    grpc: int

    def placed(self, text: str) -> str:
        """A page's file, with the ports of today."""
        return text.replace(SHOP, f"127.0.0.1:{self.http}").replace(GRPC, f"port: {self.grpc}")


class _Healthy(health_pb2_grpc.HealthServicer):
    async def Check(self, request: health_pb2.HealthCheckRequest, context: object) -> health_pb2.HealthCheckResponse:
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


def _sold(request: Request) -> Answer:
    match request.method, request.path:
        case "GET", "/openapi.json":
            return as_json(json.dumps(DESCRIBED))
        case "GET", "/orders/7":
            return as_json('{"id": 7, "total": 42}')
        case "POST", "/orders":
            return as_json(json.dumps({**json.loads(request.body), "taken": True}))
        case _:
            return as_json('{"error": "no such order"}', 404)


async def _serve(told: "Queue[tuple[Neighbours, asyncio.AbstractEventLoop, asyncio.Event]]") -> None:
    over = asyncio.Event()
    async with served() as shop:
        shop.answer = _sold
        server = aio.server()
        health_pb2_grpc.add_HealthServicer_to_server(_Healthy(), server)
        enable_server_reflection(("grpc.health.v1.Health",), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        told.put((Neighbours(shop.port, port), asyncio.get_running_loop(), over))
        await over.wait()
        await server.stop(None)


@contextmanager
def neighbours() -> Generator[Neighbours]:
    """Both, until the end of the block."""
    told: Queue[tuple[Neighbours, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()
    serving = Thread(target=lambda: asyncio.run(_serve(told)), daemon=True)
    serving.start()
    found, loop, over = told.get(timeout=STARTED_WITHIN)
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(over.set)
        serving.join()
