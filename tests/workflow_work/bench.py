"""Does a task's work as its interpreter has it done, without an interpreter."""

import json
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.durable.workflow_messages import WORKFLOW_ERROR, CallEnd, TaskCall
from stigmer_runner.engine.temporalio_names import ApplicationError
from stigmer_runner.workflow.activities import TaskActivity, Work
from stigmer_runner.workflow.secrets import Secrets


@dataclass
class Call:
    """An `ActivityCall`, and what was told by it."""

    arguments: Sequence[object]
    told: list[Event] = field(default_factory=list[Event])
    sequence: int = 1
    attempt: int = 1
    cancel_reason: str = ""

    async def begun(self) -> None:
        """At once."""

    def record(self, events: Sequence[Event], *, urgent: bool) -> Awaitable[None]:
        self.told.extend(events)
        return _nothing()

    def conclude(self, events: Iterable[Event]) -> None:
        self.told.extend(events)

    def leave(self, *details: object) -> None:
        return

    def heartbeat(self) -> None:
        return


class _Done:
    def __await__(self):
        return iter(())


def _nothing() -> Awaitable[None]:
    return cast("Awaitable[None]", _Done())


@dataclass
class Bench:
    """Does works with the secrets of a run."""

    secrets: Secrets = field(default_factory=lambda: Secrets({}, {}))
    call: Call = field(default_factory=lambda: Call(()))

    async def do(
        self,
        work: Work,
        arguments: Mapping[str, object],
        *,
        proof: Mapping[str, object] | None = None,
        seconds: float = 0.0,
    ) -> object:
        """The output of a task. Raises `Wrong`."""
        task = TaskCall(
            "wex-1",
            "/do/0/a#1",
            "a",
            "/do/0/a",
            "/do/0/a#1~1",
            json.dumps(arguments),
            json.dumps(proof) if proof else "",
            timeout_seconds=seconds,
        )
        self.call = Call((task,))
        activity = TaskActivity(work, self.secrets, lambda: 7, again=False)
        self.call.told.extend(activity.intent(self.call))
        try:
            end = await activity.run(self.call)
        except ApplicationError as error:
            raise Wrong(json.loads(str(error.details[0])), error) from None
        assert isinstance(end, CallEnd)
        return json.loads(end.output_json)

    async def wrong(self, work: Work, arguments: Mapping[str, object], **more: object) -> "Wrong":
        """How a task fails that has to."""
        try:
            output = await self.do(work, arguments, **more)  # pyright: ignore
        except Wrong as error:
            return error
        raise AssertionError(f"it gave {output!r}")


class Wrong(Exception):
    """A task failed. `error` is what documents see."""

    def __init__(self, error: Mapping[str, object], failure: ApplicationError) -> None:
        super().__init__(json.dumps(error))
        assert failure.type == WORKFLOW_ERROR
        assert failure.__cause__ is None
        self.error = error

    @property
    def kind(self) -> str:
        return str(self.error["type"]).rpartition("/")[2]

    @property
    def status(self) -> object:
        return self.error["status"]
