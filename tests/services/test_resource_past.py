"""The history of resources and what a watch tells of them, as a client on the socket has it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ListVersionsRequest,
    Resource,
    ResourceFilter,
    WatchResourcesRequest,
    WatchResourcesResponse,
)
from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.history import KEPT_VERSIONS, TABLE
from stigmer_backend.store import StateRead, StoreOptions
from tests.services.resource_client import Asking, environment, names
from tests.support.refusals import refused
from tests.support.served_backend import serve_backend
from tests.support.waiting import PATIENCE

# -- history -------------------------------------------------------------------------------------------------------------


async def test_every_version_is_kept_with_who_when_and_what_they_said(asking: Asking) -> None:
    await asking.apply(environment("one", description="first"))
    assert await asking.versions("one") == ([("1", "created", "first")], "")
    second = environment("one", description="second")
    second.environment.metadata.version.message = "because"
    await asking.apply(second)
    await asking.apply(environment("one", description="third"))
    await asking.apply(environment("one", description="third"))
    request = ListVersionsRequest(kind=ApiResourceKind.environment, name="one")
    told = (await asking.stub.ListVersions(request, metadata=asking.metadata)).versions
    assert [(one.version_id, one.event, one.message) for one in told] == [
        ("3", "updated", ""),
        ("2", "updated", "because"),
        ("1", "created", ""),
    ]
    assert {one.author for one in told} == {"local-user"}
    assert sorted((one.time_unix_micros for one in told), reverse=True) == [one.time_unix_micros for one in told]
    assert not any(one.resource.environment.HasField("status") for one in told)


async def test_an_old_version_comes_back_as_the_newest(asking: Asking) -> None:
    await asking.apply(environment("one", description="first", team="red"))
    await asking.apply(environment("one", description="second", team="blue"))
    restored = await asking.restore("one", "1")
    assert restored.environment.spec.description == "first"
    assert restored.environment.metadata.version.id == "3"
    assert dict(restored.environment.metadata.labels) == {"team": "red"}
    told, _ = await asking.versions("one")
    assert told == [("3", "restored", "first"), ("2", "updated", "second"), ("1", "created", "first")]
    assert (await asking.restore("one", "3")).environment.metadata.version.id == "3"
    listed = await asking.page(filter=ResourceFilter(labels={"team": "red"}, text="first"))
    assert names(listed) == ["one"]
    for version in ("9", "", "x\0y"):
        with refused(NotFound if version else InvalidArgument):
            await asking.restore("one", version)
    with refused(NotFound):
        await asking.restore("nobody", "1")
    with refused(NotFound):
        await asking.versions("nobody")


async def test_history_has_a_bound_and_goes_with_its_resource(asking: Asking) -> None:
    for number in range(KEPT_VERSIONS + 5):
        await asking.apply(environment("one", description=str(number)))
    told, token = await asking.versions("one", 70)
    rest, end = await asking.versions("one", 70, token)
    assert [version for version, _, _ in told + rest] == [str(n) for n in range(KEPT_VERSIONS + 5, 5, -1)]
    assert end == ""
    with refused(NotFound):
        await asking.restore("one", "2")
    with refused(InvalidArgument):
        await asking.versions("fig", 70, token)
    await asking.delete("one")

    def left(state: StateRead) -> int:
        return state.count(TABLE)

    assert await asking.served.store.read_state(left) == 0
    await asking.apply(environment("one", description="new"))
    assert await asking.versions("one") == ([("1", "created", "new")], "")


# -- watching ------------------------------------------------------------------------------------------------------------


Watching = AsyncGenerator[WatchResourcesResponse]


async def watching(asking: Asking, *kinds: ApiResourceKind.ValueType, after: int = 0) -> Watching:
    request = WatchResourcesRequest(kinds=kinds, after_revision=after)
    async for message in asking.stub.WatchResources(request, metadata=asking.metadata):
        yield message


async def told(changes: Watching) -> WatchResourcesResponse:
    async with asyncio.timeout(PATIENCE):
        return await anext(changes)


async def until(changes: Watching, *wanted: str) -> tuple[set[str], set[str]]:
    """Slugs that changed and ids that went, until all of `wanted` are among the slugs."""
    changed, removed = set[str](), set[str]()
    while not set(wanted) <= changed:
        message = await told(changes)
        changed |= {one.environment.metadata.slug for one in message.changed}
        removed |= {one.id for one in message.removed}
    return changed, removed


async def test_a_watch_from_a_list_misses_nothing(asking: Asking) -> None:
    revision = (await asking.page()).revision
    (fig,) = await asking.apply(environment("fig", description="changed"))
    await asking.apply(environment("new"))
    await asking.delete("pear")
    async with aclosing(watching(asking, after=revision)) as changes:
        assert not (await told(changes)).reset
        changed, removed = await until(changes, "fig", "new")
        assert changed == {"fig", "new"}
        assert len(removed) == 1
        await asking.delete("fig")
        while fig not in removed:
            removed |= {one.id for one in (await told(changes)).removed}
        last = await told_all_after(asking, changes)
        assert last >= revision


async def told_all_after(asking: Asking, changes: Watching) -> int:
    """The revision that a watch says once it has told of one more change."""
    await asking.apply(environment("marker"))
    while True:
        message = await told(changes)
        if any(one.environment.metadata.slug == "marker" for one in message.changed):
            return message.revision


async def test_a_watch_tells_of_its_kinds_alone(asking: Asking) -> None:
    async with aclosing(watching(asking, ApiResourceKind.agent)) as changes:
        await told(changes)
        await asking.apply(environment("unseen"))
        agent = Resource()
        agent.agent.api_version, agent.agent.kind, agent.agent.metadata.name = API_VERSION, "Agent", "seen"
        agent.agent.metadata.owner_scope = ApiResourceOwnerScope.organization
        agent.agent.spec.instructions = "Answer what is asked."
        await asking.apply(agent)
        message = await told(changes)
        while not message.changed:
            message = await told(changes)
        assert [one.WhichOneof("resource") for one in message.changed] == ["agent"]
    with refused(InvalidArgument):
        async with aclosing(watching(asking, ApiResourceKind.organization)) as changes:
            await told(changes)


async def test_a_revision_that_is_not_known_is_answered_by_a_reset(short_tmp: Path) -> None:
    async with serve_backend(short_tmp, store_options=StoreOptions(change_history=3)) as served:
        client = Asking(served)
        old = (await client.page()).revision
        for number in range(6):
            await client.apply(environment(f"one-{number}"))
        now = (await client.page()).revision
        for after, reset in ((old, True), (now, False), (now + (1 << 40), True), (1, True)):
            async with aclosing(watching(client, after=after)) as changes:
                first = await told(changes)
                assert (first.reset, first.revision) == (reset, now)
    async with serve_backend(short_tmp) as served, aclosing(watching(Asking(served), after=old)) as changes:
        assert (await told(changes)).reset
