"""What the board asks of the server: orders, groups, failures that nobody has seen, labels and deletes of many."""

from collections.abc import Callable

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1 import execution_service_pb2 as es
from stigmer_apis.errors import InvalidArgument
from stigmer_backend.executions import grouping, listing
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, phase, printed
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually

ORDER = es.ExecutionOrder


async def rows(
    served: Served,
    wanted: es.ExecutionFilter | None = None,
    order: "ORDER.ValueType" = ORDER.EXECUTION_ORDER_UNSPECIFIED,
    *,
    oldest_first: bool = False,
    skip: int = 0,
    page_token: str = "",
) -> es.ListExecutionsResponse:
    request = es.ListExecutionsRequest(
        filter=wanted, order=order, oldest_first=oldest_first, skip=skip, page_token=page_token
    )
    return await served.stubs.service.ListExecutions(request, metadata=served.stubs.metadata)


async def groups(
    served: Served, by: "es.GroupBy.ValueType", *, label: str = "", text: str = "", skip: int = 0
) -> es.GroupExecutionsResponse:
    request = es.GroupExecutionsRequest(
        group_by=by, label=label, filter=es.ExecutionFilter(text=text) if text else None, skip=skip
    )
    return await served.stubs.service.GroupExecutions(request, metadata=served.stubs.metadata)


def sizes(answer: es.GroupExecutionsResponse) -> list[tuple[str, int]]:
    """Titles and totals."""
    return [(group.title, group.total) for group in answer.groups]


async def ended(
    served: Served, runner: ScriptedRunner, message: str, *, tokens: int = 0, cost: int = 0, failed: bool = False
) -> str:
    """An execution that ran to its end."""
    name = (await served.run(message)).metadata.id
    await runner.begin(name)
    await runner.append(
        name, [ev.Event(usage_reported=ev.UsageReported(input_tokens=tokens, cost_micro_usd=cost)), printed("t", b"hi")]
    )
    last = ExecutionPhase.EXECUTION_FAILED if failed else ExecutionPhase.EXECUTION_COMPLETED
    await runner.append(name, [phase(last, "it broke" if failed else "")])
    runner.held.pop(name, None)
    await eventually(lambda: served.backend.counts()[1] == 0)
    return name


async def test_other_orders(served: Served, runner: ScriptedRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what was used, by length, by the last change; where that is not all of them, the answer says so."""
    few, most = (
        await ended(served, runner, "few", tokens=5, cost=9),
        await ended(served, runner, "most", tokens=500, cost=1),
    )
    alive = (await served.run("alive")).metadata.id
    await runner.begin(alive)
    for order, first in ((ORDER.EXECUTION_ORDER_TOKENS, most), (ORDER.EXECUTION_ORDER_COST, few)):
        answer = await rows(served, order=order)
        assert answer.executions[0].execution_id == first
        assert (answer.total, answer.ordered) == (3, 0)
    changed = await rows(served, order=ORDER.EXECUTION_ORDER_CHANGED)
    assert [row.execution_id for row in changed.executions] == [alive, most, few]
    backwards = await rows(served, order=ORDER.EXECUTION_ORDER_CHANGED, oldest_first=True, skip=1)
    assert [row.execution_id for row in backwards.executions] == [most, alive]
    assert (await rows(served, order=ORDER.EXECUTION_ORDER_LONGEST)).total == 3
    monkeypatch.setattr(listing, "ORDERED_ROWS", 1)
    later = await ended(served, runner, "later", tokens=1) if await _complete(served, runner, alive) else ""
    bounded = await rows(served, order=ORDER.EXECUTION_ORDER_TOKENS)
    assert ([row.execution_id for row in bounded.executions], bounded.ordered) == ([later], 1)
    with refused(InvalidArgument):
        await rows(served, order=ORDER.EXECUTION_ORDER_TOKENS, page_token="x")


async def _complete(served: Served, runner: ScriptedRunner, name: str) -> bool:
    await runner.complete(name)
    await eventually(lambda: served.backend.counts()[1] == 0)
    return True


async def test_groups_count_and_narrow(served: Served, runner: ScriptedRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """By agent, session, phase and label; the filter of a group lists exactly what it counts, with and without a filter of one's own."""
    first = await ended(served, runner, "make one")
    await ended(served, runner, "make two", failed=True)
    session = (await rows(served)).executions[1].session_id
    alive = (await served.run("make three", session_id=session)).metadata.id
    for name in (first, alive):
        await label(served, [name], {"team": "red"})
    assert sizes(await groups(served, es.GROUP_BY_AGENT)) == [("shell", 3)]
    assert [total for _, total in sizes(await groups(served, es.GROUP_BY_SESSION))] == [1, 2]
    assert [total for _, total in sizes(await groups(served, es.GROUP_BY_PHASE))] == [1, 1, 1]
    by_label = await groups(served, es.GROUP_BY_LABEL, label="team")
    assert sizes(by_label) == [("red", 2)]
    for by, text in (
        (by, text)
        for by in (es.GROUP_BY_AGENT, es.GROUP_BY_SESSION, es.GROUP_BY_PHASE, es.GROUP_BY_LABEL)
        for text in ("", "MAKE T")
    ):
        answer = await groups(served, by, label="team", text=text)
        for group in answer.groups:
            page = await rows(served, group.filter)
            assert (page.total, page.executions[0].execution_id) == (group.total, group.newest.execution_id)
        assert sum(group.total for group in answer.groups) == (3 if not text else 2) - (by == es.GROUP_BY_LABEL)
    assert sizes(await groups(served, es.GROUP_BY_SESSION, skip=1)) != []
    monkeypatch.setattr(grouping, "GROUPED_ROWS", 1)
    few = await groups(served, es.GROUP_BY_AGENT, text="make")
    assert few.total_is_lower_bound
    assert few.groups[0].total_is_lower_bound
    for wrong in (es.GROUP_BY_UNSPECIFIED, es.GROUP_BY_LABEL):
        with refused(InvalidArgument):
            await groups(served, wrong)


async def label(served: Served, ids: list[str], put: dict[str, str], *off: str) -> es.LabelExecutionsResponse:
    request = es.LabelExecutionsRequest(execution_ids=ids, set=put, remove=off)
    return await served.stubs.service.LabelExecutions(request, metadata=served.stubs.metadata)


async def seen(served: Served, *ids: str, every: bool = False) -> es.MarkSeenResponse:
    request = es.MarkSeenRequest(execution_ids=ids, all=every)
    return await served.stubs.service.MarkSeen(request, metadata=served.stubs.metadata)


async def told(served: Served, revision: int, wanted: Callable[[es.WatchResponse], bool]) -> None:
    """Wait until a reader is told what is wanted."""
    changes = served.stubs.service.Watch(es.WatchRequest(after_revision=revision), metadata=served.stubs.metadata)
    async for change in changes:
        if wanted(change):
            break
    changes.cancel()


async def test_failures_are_unseen_until_somebody_says_so(served: Served, runner: ScriptedRunner) -> None:
    """Told to every reader, whichever says it; labels do not change it, nor does another start; a deleted one is gone."""
    await ended(served, runner, "fine")
    broken = [await ended(served, runner, f"broken {number}", failed=True) for number in range(3)]
    answer = await rows(served, es.ExecutionFilter(unseen=True))
    assert (answer.unseen, answer.total) == (3, 3)
    assert all(row.unseen for row in answer.executions)
    await label(served, broken[:1], {"a": "b"})
    assert (await rows(served, es.ExecutionFilter(unseen=True, labels={"a": "b"}))).total == 1
    revision = (await rows(served)).revision
    marked = await seen(served, broken[0], broken[0], "nobody")
    assert (marked.marked, marked.unseen) == (1, 2)
    await told(
        served,
        revision,
        lambda change: (
            change.unseen == 2 and any(row.execution_id == broken[0] and not row.unseen for row in change.changed)
        ),
    )
    assert (await seen(served, broken[0])).marked == 0
    delete = es.DeleteExecutionsRequest(execution_ids=[broken[1]])
    await served.stubs.service.DeleteExecutions(delete, metadata=served.stubs.metadata)
    await told(served, revision, lambda change: change.unseen == 1)
    assert (await seen(served, every=True)).unseen == 0
    assert (await rows(served, es.ExecutionFilter(unseen=True))).total == 0


async def test_what_was_not_seen_is_so_after_another_start(served: Served, runner: ScriptedRunner) -> None:
    broken = await ended(served, runner, "broken", failed=True)
    home = served.home.root
    await served.backend.close()
    await served.store.close()
    async with serve_backend(home) as again:
        answer = await rows(again)
        assert (answer.unseen, answer.executions[0].unseen) == (1, True)
        assert (await seen(again, broken)).unseen == 0
        assert not (await rows(again)).executions[0].unseen


async def test_labels_of_many(served: Served, runner: ScriptedRunner) -> None:
    """Shown in the rows of what lives and of what has ended, and found by; put on and taken off; what cannot be is said."""
    over = await ended(served, runner, "over")
    alive = (await served.run("alive")).metadata.id
    answer = await label(served, [over, alive, "nobody"], {"team": "red", "x": "1"})
    assert list(answer.changed) == [over, alive]
    assert [one.execution_id for one in answer.refused] == ["nobody"]
    for row in (await rows(served)).executions:
        assert dict(row.labels) == {"team": "red", "x": "1"}
    assert list((await label(served, [over], {"team": "red"})).changed) == []
    await label(served, [over], {}, "team")
    assert (await rows(served, es.ExecutionFilter(labels={"team": "red"}))).executions[0].execution_id == alive


async def test_deletes_of_many(served: Served, runner: ScriptedRunner) -> None:
    """What has ended goes; what has not stays, and why is said."""
    gone = [await ended(served, runner, f"run {number}") for number in range(3)]
    alive = (await served.run("alive")).metadata.id
    request = es.DeleteExecutionsRequest(execution_ids=[*gone, alive, "nobody"])
    answer = await served.stubs.service.DeleteExecutions(request, metadata=served.stubs.metadata)
    assert sorted(answer.deleted) == sorted(gone)
    assert {one.execution_id: "has not ended" in one.reason for one in answer.refused} == {alive: True, "nobody": False}
    assert [row.execution_id for row in (await rows(served)).executions] == [alive]


async def test_what_runs_is_counted(served: Served, runner: ScriptedRunner) -> None:
    """Tokens, cost, output and the last change stand in its row."""
    name = await ended(served, runner, "count", tokens=7, cost=12)
    (row,) = (await rows(served)).executions
    assert (row.execution_id, row.tokens, row.cost_micro_usd, row.output_bytes) == (name, 7, 12, 2)
    assert row.changed_unix_micros > 0
