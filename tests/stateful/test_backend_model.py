"""Random calls to a backend in a process of its own, beside a dictionary: everything that is answered is compared."""

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ListResourcesRequest,
    ResourceFilter,
    ResourceOrder,
)
from stigmer_apis.errors import Aborted, AlreadyExists, NotFound, StigmerError
from tests.chaos.figures import record
from tests.stateful.asking import Asking
from tests.stateful.model import (
    AGENT,
    KINDS,
    LABELS,
    TAGS,
    KindNumber,
    Known,
    Said,
    Table,
    matching,
    part_of,
    resource_of,
)
from tests.stateful.serving import ServingProcess
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 14_400))

T = TypeVar("T")

SLUGS = [f"thing-{number}" for number in range(10)]
ORDERS = [
    ResourceOrder.RESOURCE_ORDER_UNSPECIFIED,
    ResourceOrder.RESOURCE_ORDER_OLDEST,
    ResourceOrder.RESOURCE_ORDER_NAME,
]
KEPT = 100
STEPS_BETWEEN_STOPS = 5

kinds, slugs = st.sampled_from(KINDS), st.sampled_from(SLUGS)
said = st.builds(
    Said,
    text=st.sampled_from(["alpha", "beta", "gamma"]),
    label=st.sampled_from(LABELS),
    tags=st.frozensets(st.sampled_from(TAGS)),
)


tally: Counter[str] = Counter()
"""What was done, over all machines."""


class BackendMachine(RuleBasedStateMachine):
    """Asks the same of both."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="stg-", dir="/tmp"))
        self.runner = asyncio.Runner()
        self.tables: dict[KindNumber, Table] = {kind: {} for kind in KINDS}
        self.calls = 0
        self.steps = 0
        self.stopped_at = 0
        self.process: ServingProcess | None = None
        self.client: Asking | None = None

    @initialize()
    def begin(self) -> None:
        self.start()
        request = ListResourcesRequest(kind=AGENT)
        for number, built_in in enumerate(reversed(self.ask(self.asking.page(request)).resources), -1):
            slug, resource_id, says = part_of(built_in)
            self.tables[AGENT][slug] = Known(resource_id, number, [says])

    @invariant()
    def step(self) -> None:
        """Count: what may be done next depends on this, and never on what a kill left, or the same choices would not lead the same way."""
        self.steps += 1

    # -- writes ----------------------------------------------------------------------------------------------------------

    @rule(kind=kinds, slug=slugs, says=said)
    def create(self, kind: KindNumber, slug: str, says: Said) -> None:
        known = self.tables[kind].get(slug)
        try:
            made = self.ask(self.asking.create(kind, slug, says))
        except AlreadyExists:
            assert known is not None
            return
        assert known is None
        self.keep(kind, slug, made, says)

    @rule(kind=kinds, slug=slugs, says=said, stale=st.booleans())
    def update(self, kind: KindNumber, slug: str, says: Said, stale: bool) -> None:
        known = self.tables[kind].get(slug)
        try:
            self.ask(self.asking.update(kind, slug, says, "999" if stale else ""))
        except NotFound:
            assert known is None
            return
        except Aborted:
            assert stale
            return
        assert known is not None
        assert not stale
        self.say(known, says)

    @rule(wanted=st.dictionaries(st.tuples(kinds, slugs), said, min_size=1, max_size=6))
    def apply(self, wanted: dict[tuple[KindNumber, str], Said]) -> None:
        resources = [resource_of(kind, slug, says) for (kind, slug), says in wanted.items()]
        ids = self.ask(self.asking.apply(*resources))
        for (kind, slug), resource_id in zip(wanted, ids, strict=True):
            known = self.tables[kind].get(slug)
            if known is None:
                self.keep(kind, slug, resource_id, wanted[kind, slug])
            else:
                assert known.id == resource_id
                self.say(known, wanted[kind, slug])

    @rule(kind=kinds, slug=slugs)
    def delete(self, kind: KindNumber, slug: str) -> None:
        known = self.tables[kind].pop(slug, None)
        try:
            self.ask(self.asking.delete(kind, slug))
        except NotFound:
            assert known is None
            return
        assert known is not None

    @rule(kind=kinds, slug=slugs, version=st.integers(0, 6))
    def restore(self, kind: KindNumber, slug: str, version: int) -> None:
        known = self.tables[kind].get(slug)
        try:
            self.ask(self.asking.restore(kind, slug, str(version)))
        except NotFound:
            assert known is None or not self.first_kept(known) <= version <= len(known.versions)
            return
        assert known is not None
        self.say(known, known.versions[version - 1])

    # -- reads -----------------------------------------------------------------------------------------------------------

    @rule(kind=kinds, slug=slugs)
    def get(self, kind: KindNumber, slug: str) -> None:
        known = self.tables[kind].get(slug)
        assert self.ask(self.asking.get(kind, slug)) == (None if known is None else known.said)

    @rule(kind=kinds, slug=slugs)
    def history(self, kind: KindNumber, slug: str) -> None:
        known = self.tables[kind].get(slug)
        if known is not None:
            assert self.ask(self.asking.versions(kind, slug)) == known.versions[-KEPT:]

    @rule(
        kind=kinds,
        label=st.sampled_from(LABELS),
        tags=st.frozensets(st.sampled_from(TAGS)),
        text=st.sampled_from(["", "", "ALPHA", "thing-3", "team=red"]),
        order=st.sampled_from(ORDERS),
        page_size=st.sampled_from([1, 2, 5, 50]),
    )
    def pages(
        self,
        kind: KindNumber,
        label: str,
        tags: frozenset[str],
        text: str,
        order: ResourceOrder.ValueType,
        page_size: int,
    ) -> None:
        wanted = matching(self.tables[kind], label, tags, text.lower(), order)
        filter = ResourceFilter(labels={"team": label} if label else {}, tags=sorted(tags), text=text)
        found: list[str] = []
        token = ""
        while True:
            request = ListResourcesRequest(kind=kind, filter=filter, order=order, page_size=page_size, page_token=token)
            answer = self.ask(self.asking.page(request))
            assert (answer.total, answer.total_is_lower_bound) == (len(wanted), False)
            for resource in answer.resources:
                slug, resource_id, says = part_of(resource)
                known = self.tables[kind][slug]
                assert (known.id, known.said) == (resource_id, says)
                found.append(slug)
            token = answer.next_page_token
            if not token:
                break
        assert found == wanted

    # -- stops -----------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.steps - self.stopped_at >= STEPS_BETWEEN_STOPS)
    @rule(kill=st.booleans())
    def stop(self, kill: bool) -> None:
        tally["kills" if kill else "stops"] += 1
        self.end(kill=kill)
        self.start()
        self.compare_all()

    @precondition(lambda self: self.steps - self.stopped_at >= STEPS_BETWEEN_STOPS)
    @rule(kind=kinds, slug=slugs, says=said, seed=st.integers(0, 99))
    def kill_in_the_middle(self, kind: KindNumber, slug: str, says: Said, seed: int) -> None:
        """Killed while it writes: what was acknowledged is there, what was not is there whole or not at all."""
        tally["kills in a write"] += 1
        other = random.Random(seed).choice(SLUGS)
        pair = {slug: says, other: says}
        acknowledged = self.ask(self.killed_while(kind, pair, seed / 20_000))
        self.end(kill=True)
        self.start()
        found = {name: self.ask(self.asking.get(kind, name)) for name in pair}
        before = {name: known.said for name in pair if (known := self.tables[kind].get(name)) is not None}
        whole = all(one == says for one in found.values())
        assert whole or (not acknowledged and found == {name: before.get(name) for name in pair})
        if whole:
            ids = self.ask(self.asking.apply(*(resource_of(kind, name, says) for name in pair)))
            for name, resource_id in zip(pair, ids, strict=True):
                known = self.tables[kind].get(name)
                if known is None:
                    self.keep(kind, name, resource_id, says)
                else:
                    self.say(known, says)
        self.compare_all()

    async def killed_while(self, kind: KindNumber, pair: dict[str, Said], delay: float) -> bool:
        """Kill it a moment after it was asked to apply; whether it had answered."""
        assert self.process is not None
        call = asyncio.ensure_future(self.asking.apply(*(resource_of(kind, slug, one) for slug, one in pair.items())))
        await asyncio.sleep(delay)
        await asyncio.to_thread(self.process.kill)
        self.process = None
        try:
            await call
        except StigmerError:
            return False
        return True

    # -- what they share -------------------------------------------------------------------------------------------------

    @property
    def asking(self) -> Asking:
        assert self.client is not None
        return self.client

    def ask(self, question: Coroutine[object, object, T]) -> T:
        self.calls += 1
        tally["calls"] += 1
        return self.runner.run(question)

    def keep(self, kind: KindNumber, slug: str, resource_id: str, says: Said) -> None:
        self.tables[kind][slug] = Known(resource_id, self.calls, [says])

    def say(self, known: Known, says: Said) -> None:
        if known.said != says:
            known.versions.append(says)

    def first_kept(self, known: Known) -> int:
        return max(1, len(known.versions) - KEPT + 1)

    def start(self) -> None:
        self.process = ServingProcess(self.root)
        self.client = self.runner.run(_connected(self.root))
        self.stopped_at = self.steps

    def end(self, *, kill: bool) -> None:
        if self.client is not None:
            self.runner.run(self.client.close())
            self.client = None
        if self.process is not None:
            if kill:
                self.process.kill()
            else:
                self.process.stop()
            self.process = None

    def compare_all(self) -> None:
        for kind in KINDS:
            for order in ORDERS:
                self.pages(kind, "", frozenset(), "", order, 3)
            for slug in self.tables[kind]:
                self.history(kind, slug)

    def teardown(self) -> None:
        try:
            if self.client is not None:
                self.compare_all()
        finally:
            self.end(kill=True)
            self.runner.close()
            shutil.rmtree(self.root, ignore_errors=True)


async def _connected(root: Path) -> Asking:
    return Asking(root)


def test_every_answer_is_that_of_the_dictionary() -> None:
    """Thousands of calls, in any order, with stops and kills in between and in the middle of a write."""
    tally.clear()
    run_state_machine_as_test(
        BackendMachine,
        settings=settings(
            max_examples=scaled(6, 150),
            stateful_step_count=scaled(45, 150),
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    record(
        "random calls to a backend, beside a dictionary",
        tally["calls"],
        "calls",
        f"every answer is the dictionary's, through {tally['stops']:,} stops, {tally['kills']:,} kills of an idle server "
        f"and {tally['kills in a write']:,} in the middle of a write",
    )
