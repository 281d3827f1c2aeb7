"""ListResources, as a client on the socket has it."""

import asyncio
import base64
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionId
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    ExecutionFilter,
    ListExecutionsRequest,
)
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ListVersionsRequest,
    ResourceFilter,
    ResourceOrder,
)
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.protocol import MAX_STATUS_BYTES
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.resources.kinds import ENVIRONMENTS, KINDS
from stigmer_backend.resources.listing_keys import label_list
from stigmer_backend.resources.listing_upgrade import bring_lists_up_to_date
from stigmer_backend.resources.rules import MARKS_LIMIT
from stigmer_backend.store import StateWrite, Store
from tests.services.resource_client import NAME, OLDEST, UNSAID, Asking, environment, names
from tests.support.refusals import refused
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually

NEWEST = ["nut", "lime", "kiwi", "date", "plum", "apple", "fig", "pear"]


async def test_orders_filters_and_totals(asking: Asking) -> None:
    whole = await asking.page()
    assert (names(whole), whole.total, whole.total_is_lower_bound, whole.next_page_token) == (NEWEST, 8, False, "")
    assert names(await asking.page(order=OLDEST)) == NEWEST[::-1]
    assert names(await asking.page(order=NAME)) == sorted(NEWEST)
    red = await asking.page(filter=ResourceFilter(labels={"team": "red"}))
    assert (names(red), red.total) == (["nut", "kiwi", "plum", "fig"], 4)
    both = ResourceFilter(labels={"team": "blue"}, tags=["even"])
    assert names(await asking.page(filter=both)) == ["date", "pear"]
    assert names(await asking.page(filter=both, order=NAME)) == ["date", "pear"]
    assert names(await asking.page(filter=ResourceFilter(labels={"team": "red"}, tags=["even"]))) == []
    assert names(await asking.page(filter=ResourceFilter(labels={"team": "green"}))) == []
    created = [one.environment.status.audit.spec_audit.created_at for one in whole.resources]
    micros = [at.seconds * 1_000_000 + at.nanos // 1000 for at in created]
    since = ResourceFilter(created_from_unix_micros=micros[2])
    assert names(await asking.page(filter=since)) == NEWEST[:3]
    between = ResourceFilter(created_from_unix_micros=micros[5], created_before_unix_micros=micros[1] + 1)
    answer = await asking.page(filter=between, page_size=2, order=OLDEST)
    assert (names(answer), answer.total) == (["apple", "plum"], 5)


async def test_text_is_found_in_all_that_names_a_resource(asking: Asking) -> None:
    await asking.apply(environment("Quince", description="A bitter ÄPFEL thing", team="Orchard"))
    for text in ("quin", "BITTER", "äpfel", "team=orch"):
        found = await asking.page(filter=ResourceFilter(text=text))
        assert (names(found), found.total) == (["quince"], 1)
    listed = (await asking.page(page_size=1)).resources[0].environment.metadata.id
    assert names(await asking.page(filter=ResourceFilter(text=listed[-8:].upper()))) == ["quince"]
    assert names(await asking.page(filter=ResourceFilter(text="nothing like it"))) == []


@pytest.mark.parametrize("order", [UNSAID, OLDEST, NAME], ids=["newest", "oldest", "name"])
async def test_pages_stay_right_while_rows_come_and_go(asking: Asking, order: ResourceOrder.ValueType) -> None:
    wanted = {OLDEST: NEWEST[::-1], NAME: sorted(NEWEST)}.get(order, NEWEST)
    first = await asking.page(order=order, page_size=3)
    assert names(first) == wanted[:3]
    await asking.delete(wanted[2])
    await asking.delete(wanted[4])
    await asking.apply(environment("aaa"))
    found, token = list[str](), first.next_page_token
    while token:
        answer = await asking.page(order=order, page_size=2, page_token=token)
        found, token = found + names(answer), answer.next_page_token
    assert [name for name in found if name != "aaa"] == [wanted[3], *wanted[5:]]


async def test_a_token_is_good_for_its_own_list_alone(asking: Asking) -> None:
    token = (await asking.page(page_size=2)).next_page_token
    for filter, order in ((ResourceFilter(tags=["even"]), UNSAID), (None, NAME), (None, OLDEST)):
        with refused(InvalidArgument):
            await asking.page(filter=filter, order=order, page_token=token)
    with refused(InvalidArgument):
        await asking.page(kind=ApiResourceKind.agent, page_token=token)
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for invented in ("x", "AAAA", "%%%", "é", base64.urlsafe_b64encode(raw[:20]).decode(), token[:-9]):
        with refused(InvalidArgument):
            await asking.page(page_token=invented)
    last_bits = base64.urlsafe_b64encode(raw[:-5] + b"\xff" * 40).decode()
    assert set(names(await asking.page(page_token=last_bits))) <= set(NEWEST)


async def test_what_cannot_be_asked_is_refused_in_words(asking: Asking) -> None:
    phases = ResourceFilter(phases=[ExecutionPhase.EXECUTION_COMPLETED])
    with refused(InvalidArgument):
        await asking.page(filter=phases)
    with refused(InvalidArgument):
        await asking.page(filter=ResourceFilter(created_from_unix_micros=9, created_before_unix_micros=3))
    with refused(InvalidArgument):
        await asking.page(kind=ApiResourceKind.organization)
    with refused(InvalidArgument):
        await asking.page(page_size=1001)
    assert names(await asking.page(filter=ResourceFilter(parent_id="x\0y"))) == []
    assert names(await asking.page(filter=ResourceFilter(labels={"k" * 500: "v" * 500}))) == []


async def test_labels_and_tags_follow_an_update_and_go_with_a_delete(asking: Asking) -> None:
    await asking.apply(environment("fig", team="blue", tags=["new"]))
    assert "fig" not in names(await asking.page(filter=ResourceFilter(labels={"team": "red"})))
    assert names(await asking.page(filter=ResourceFilter(labels={"team": "blue"}, tags=["new"]))) == ["fig"]
    await asking.delete("fig")
    assert (await asking.page(filter=ResourceFilter(tags=["new"]))).total == 0


async def test_labels_and_tags_have_a_number_at_which_they_end(asking: Asking) -> None:
    many = environment("many", tags=[f"tag-{number}" for number in range(MARKS_LIMIT)])
    for number in range(MARKS_LIMIT):
        many.environment.metadata.labels[f"key-{number}"] = "ü" * 256
    await asking.apply(many)
    both = ResourceFilter(labels={"key-7": "ü" * 256, "key-9": "ü" * 256}, tags=["tag-0", "tag-63"])
    assert names(await asking.page(filter=both)) == ["many"]
    many.environment.metadata.tags.append("one more")
    with refused(InvalidArgument) as refusal:
        await asking.apply(many)
    assert "metadata.tags: must be at most 64" in refusal.text


async def test_a_page_ends_where_a_client_could_not_take_more(asking: Asking) -> None:
    big = [environment(f"big-{number}", description=chr(97 + number) * 900_000) for number in range(5)]
    await asking.apply(*big)
    found, token = list[str](), ""
    while True:
        answer = await asking.page(order=NAME, page_token=token)
        assert answer.ByteSize() < MAX_STATUS_BYTES + 1000
        found, token = found + names(answer), answer.next_page_token
        if not token:
            break
    assert found == sorted([*NEWEST, *(f"big-{number}" for number in range(5))])


async def test_secrets_are_masked_in_lists_and_in_history(asking: Asking) -> None:
    wanted = environment("vault")
    wanted.environment.spec.data["KEY"].value = "a value that nobody may see"
    wanted.environment.spec.data["KEY"].is_secret = True
    await asking.apply(wanted)
    wanted.environment.spec.description = "changed"
    await asking.apply(wanted)
    listed = await asking.page(filter=ResourceFilter(text="vault"))
    request = ListVersionsRequest(kind=ApiResourceKind.environment, name="vault")
    told = await asking.stub.ListVersions(request, metadata=asking.metadata)
    restored = await asking.restore("vault", "1")
    assert len(told.versions) == 2
    for message in (listed, told, restored):
        assert b"nobody may see" not in message.SerializeToString()
    assert restored.environment.spec.data["KEY"].is_secret


# -- executions ----------------------------------------------------------------------------------------------------------


async def test_executions_are_listed_by_phase_label_tag_and_time(served: Served) -> None:
    made = [(await served.run(f"echo {number}")).metadata.id for number in range(4)]
    for place in (1, 2):
        live = served.backend.counts()[1]
        request = CancelRequest(execution_id=made[place])
        await served.stubs.service.Cancel(request, metadata=served.stubs.metadata)
        await eventually(lambda live=live: served.backend.counts()[1] < live)
    client = Asking(served)

    async def resources(*phases: ExecutionPhase.ValueType) -> list[str]:
        answer = await client.page(kind=ApiResourceKind.agent_execution, filter=ResourceFilter(phases=phases))
        assert answer.total == len(answer.resources)
        return [one.agent_execution.metadata.id for one in answer.resources]

    pending, cancelled = ExecutionPhase.EXECUTION_PENDING, ExecutionPhase.EXECUTION_CANCELLED
    assert await resources(pending) == [made[3], made[0]]
    assert await resources(cancelled) == [made[2], made[1]]
    assert await resources(cancelled, pending) == made[::-1]
    assert await resources(ExecutionPhase.EXECUTION_FAILED) == []

    async def rows(wanted: ExecutionFilter) -> list[str]:
        answer = await served.stubs.service.ListExecutions(
            ListExecutionsRequest(filter=wanted), metadata=served.stubs.metadata
        )
        assert answer.total == len(answer.executions)
        return [row.execution_id for row in answer.executions]

    assert await rows(ExecutionFilter(phases=[cancelled, pending])) == made[::-1]
    assert await rows(ExecutionFilter(phases=[cancelled], agent="shell")) == [made[2], made[1]]
    execution = await served.stubs.execution_queries.get(
        AgentExecutionId(value=made[1]), metadata=served.stubs.metadata
    )
    execution.metadata.labels["team"] = "red"
    execution.metadata.tags.append("kept")
    await served.stubs.executions.update(execution, metadata=served.stubs.metadata)
    assert await rows(ExecutionFilter(labels={"team": "red"}, tags=["kept"])) == [made[1]]
    assert await rows(ExecutionFilter(labels={"team": "red"}, phases=[pending])) == []
    assert await rows(ExecutionFilter(tags=["gone"])) == []
    at = execution.status.audit.spec_audit.created_at
    micros = at.seconds * 1_000_000 + at.nanos // 1000
    assert await rows(ExecutionFilter(created_from_unix_micros=micros, phases=[cancelled])) == [made[2], made[1]]
    assert await rows(ExecutionFilter(created_before_unix_micros=micros)) == [made[0]]


async def test_a_jump_is_right_from_both_ends(served: Served) -> None:
    made = [(await served.run()).metadata.id for _ in range(6)]
    for oldest_first, order in ((False, made[::-1]), (True, made)):
        for skip in range(8):
            answer = await served.stubs.service.ListExecutions(
                ListExecutionsRequest(skip=skip, page_size=2, oldest_first=oldest_first), metadata=served.stubs.metadata
            )
            assert [row.execution_id for row in answer.executions] == order[skip : skip + 2]
            assert bool(answer.next_page_token) == (skip + 2 < 6)


# -- older stores --------------------------------------------------------------------------------------------------------


async def test_what_was_stored_before_there_were_such_lists_is_found(short_tmp: Path) -> None:
    options = ExecutionOptions()
    async with serve_backend(short_tmp, options=options) as served:
        client = Asking(served)
        await client.apply(environment("one", team="red"), environment("two", tags=["x"]))
        run = (await served.run()).metadata.id
        await served.store.write(_make_old)
        assert (await client.page(filter=ResourceFilter(labels={"team": "red"}))).total == 0
    async with serve_backend(short_tmp, options=options) as served:
        client = Asking(served)
        assert names(await client.page(filter=ResourceFilter(labels={"team": "red"}))) == ["one"]
        assert names(await client.page(filter=ResourceFilter(tags=["x"]))) == ["two"]
        assert names(await client.page(order=NAME)) == ["one", "two"]
        answer = await served.stubs.service.ListExecutions(
            ListExecutionsRequest(filter=ExecutionFilter(phases=[ExecutionPhase.EXECUTION_PENDING])),
            metadata=served.stubs.metadata,
        )
        assert [row.execution_id for row in answer.executions] == [run]


async def test_lists_are_made_from_where_a_stop_left_it(tmp_path: Path) -> None:
    count = 1_300

    def fill(state: StateWrite) -> None:
        for number in range(count):
            one = environment(f"env-{number:04}", team="red" if number % 2 else "").environment
            one.metadata.slug = one.metadata.name
            state.put(
                ENVIRONMENTS.table,
                f"env-{number}",
                one.SerializeToString(),
                slug=one.metadata.slug,
                created_ns=number,
                summary=b"",
            )

    for turn in range(4):
        store = await Store.open(tmp_path)
        if not turn:
            await store.write(fill)
        making = asyncio.ensure_future(bring_lists_up_to_date(store))
        if turn < 3:
            await store.wait_revised(store.revision)
            making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        await store.close()
    store = await Store.open(tmp_path)
    found = await store.read_state(lambda state: state.page(ENVIRONMENTS.table, label_list("team", "red"), limit=count))
    assert [row.summary for row in found] == [b"env-%04d" % number for number in range(count - 1, 0, -2)]
    revision = store.revision
    await bring_lists_up_to_date(store)
    assert store.revision == revision
    await store.close()


def _make_old(state: StateWrite) -> None:
    """Take every record out of the lists that it did not stand in once."""
    for kind in KINDS:
        for row in state.page(kind.table, limit=1000):
            record = state.get(kind.table, row.id)
            assert record is not None
            kept = [parent for parent in record.parents if "\x01" not in parent]
            state.relist(kind.table, row.id, kept, b"" if kind == ENVIRONMENTS else row.summary)
    state.put_meta("resources.listing", b"")
    state.put_meta("resources.listing.place.2", b"\0")
