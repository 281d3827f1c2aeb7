"""Many resources applied in one call, as `stigmer apply` sends them."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ApplyResourcesRequest, Resource
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2_grpc import ResourceServiceStub
from tests.bench import sqlite
from tests.bench.figures import Figure
from tests.bench.measures.resources import environment
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench
from tests.support.served_backend import serve_backend

COUNT = 1_000


async def apply_many(bench: Bench) -> Sequence[Figure]:
    """1,000 new ones, and the same again unchanged, beside sqlite storing the same bytes."""
    turn = stored = 0
    again: list[float] = []
    with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as short:
        async with serve_backend(Path(short)) as served:
            stub = ResourceServiceStub(served.stubs.channel)
            database = sqlite.open_resources(bench.directory() / "db", durable=True)

            async def ours() -> float:
                nonlocal turn
                turn += 1
                request = ApplyResourcesRequest(resources=[_resource(turn, number) for number in range(COUNT)])
                with timed() as first:
                    answer = await stub.ApplyResources(request, metadata=served.stubs.metadata)
                with timed() as second:
                    await stub.ApplyResources(request, metadata=served.stubs.metadata)
                if len(answer.applied) != COUNT:
                    raise AssertionError(f"{len(answer.applied)} were applied")
                again.append(second.seconds * 1e3)
                return first.seconds * 1e3

            async def theirs() -> float:
                nonlocal stored
                stored += 1
                rows = [_resource(stored, number).environment for number in range(COUNT)]
                with timed() as watch, database:
                    database.executemany(
                        "insert into resources values (?, ?, ?, ?)",
                        (("environment", one.metadata.slug, stored, one.SerializeToString()) for one in rows),
                    )
                return watch.seconds * 1e3

            rounds = await in_turn(bench.size(3, 7), {"store": ours, "sqlite": theirs})
            database.close()
    return [
        Figure(
            name=f"apply {COUNT:,} resources",
            value=rounds.median("store"),
            unit="ms",
            baseline=rounds.median("sqlite"),
            baseline_name="sqlite storing the same bytes, one transaction, synced; no checks, no RPC",
            ratio=rounds.ratio("store", "sqlite"),
            method="one ApplyResources of new environments on the socket: validated, checked, indexed, on the disk when it answers",
        ),
        Figure(
            name=f"apply {COUNT:,} resources again",
            value=sorted(again)[len(again) // 2],
            unit="ms",
            method="the same call once more: each is compared and unchanged",
        ),
    ]


def _resource(turn: int, number: int) -> Resource:
    wanted = Resource(environment=environment(number))
    meta = wanted.environment.metadata
    meta.ClearField("id")
    meta.name = meta.slug = f"env-{turn}-{number:05}"
    meta.owner_scope = ApiResourceOwnerScope.organization
    return wanted
