"""One workflow object, driven by activations."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Start
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.commands import AnswerQuery, Command
from stigmer_runner.engine.errors import QueryRefused
from stigmer_runner.engine.extern import TELLER
from stigmer_runner.engine.payloads import CONVERTER
from stigmer_runner.engine.plain_values import PlainValues
from stigmer_runner.engine.temporalio_names import (
    DefaultFailureConverter,
    Payload,
    Payloads,
    Priority,
    TypedSearchAttributes,
    UnsandboxedWorkflowRunner,
    WorkflowActivation,
    WorkflowActivationJob,
    WorkflowInstanceDetails,
    workflow,
)
from stigmer_runner.engine.translation import commands_of

LOGIC_FLAGS = (1, 2)
"""Ways of the library that it makes optional, all of which we have chosen, for every run and every replay: a cancel is not
lost when the cancelled activity has just ended (1); all jobs of an activation are told before the workflow runs (2)."""

NAMESPACE = "stigmer"
TASK_QUEUE = "embedded"

LONG_RUN = 2000
"""Records of a run from which on it is told that it should go on as a new one: a replay reads all of them."""


def name_of(definition: type[object]) -> str:
    """The name of a workflow class, as its `@workflow.defn` says."""
    return str(_definition(definition).name)


class DrivenWorkflow:
    """A workflow in memory. Every method must be called by a plain callback of the loop, not by a task: the library
    installs a loop of its own while the workflow runs, and two tasks of one thread must not overlap."""

    def __init__(self, definition: type[object], start: Start, at_micros: int) -> None:
        self._run_id = start.run_id
        self._told: list[Event] = []
        details = WorkflowInstanceDetails(
            payload_converter_factory=PlainValues,
            failure_converter_class=DefaultFailureConverter,
            interceptor_classes=[],
            defn=_definition(definition),
            info=_info(start, at_micros),
            randomness_seed=start.randomness_seed,
            extern_functions={TELLER: self._told.append},
            disable_eager_activity_execution=True,
            worker_level_failure_exception_types=[],
            patch_activation_callback=None,
            last_completion_result=Payloads(),
            last_failure=None,
            default_workflow_logic_flags=frozenset(),
        )
        self._instance = UnsandboxedWorkflowRunner().create_instance(details)

    def activate(
        self, jobs: Sequence[WorkflowActivationJob], at_micros: int, history_length: int, *, replaying: bool
    ) -> list[Command]:
        """Tell the workflow `jobs` and return what it asks for.

        `at_micros` is the workflow's time, microseconds since 1970. Raises `WorkflowBroken` and `Unsupported`.
        """
        activation = WorkflowActivation(
            run_id=self._run_id,
            is_replaying=replaying,
            history_length=history_length,
            continue_as_new_suggested=history_length >= LONG_RUN,
            available_internal_flags=LOGIC_FLAGS,
            jobs=jobs,
        )
        activation.timestamp.FromMicroseconds(at_micros)
        with _loop_put_back():
            completion = self._instance.activate(activation)
        if replaying:
            self._told.clear()
        return commands_of(completion)

    def take_told(self, at_micros: int) -> list[Event]:
        """The events that the workflow has told in its last activation, each once, with the time `at_micros` where they have none."""
        events = self._told.copy()
        self._told.clear()
        for event in events:
            event.time_unix_micros = event.time_unix_micros or at_micros
        return events

    def query(self, name: str, arguments: Sequence[object], at_micros: int, history_length: int) -> Payload:
        """Ask the workflow something; changes nothing. Raises `QueryRefused`."""
        job = WorkflowActivationJob()
        job.query_workflow.query_id = "query"
        job.query_workflow.query_type = name
        job.query_workflow.arguments.extend(CONVERTER.to_payloads(arguments))
        for command in self.activate([job], at_micros, history_length, replaying=False):
            if isinstance(command, AnswerQuery):
                if command.value is None:
                    raise QueryRefused(command.error)
                return command.value
        raise QueryRefused(f"the workflow gave no answer to {name!r}")

    def evict(self) -> None:
        """End what still runs inside the workflow, without a trace."""
        job = WorkflowActivationJob()
        job.remove_from_cache.SetInParent()
        activation = WorkflowActivation(run_id=self._run_id, is_replaying=True, jobs=[job])
        with _loop_put_back():
            self._instance.activate(activation)


@contextmanager
def _loop_put_back() -> Generator[None]:
    """The library sets its own loop as the running one, and none when it is done."""
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


def _definition(definition: type[object]) -> Any:
    """What `@workflow.defn` left on the class; of a type that is private to the library."""
    return vars(definition)["__temporal_workflow_definition"]


def _info(start: Start, at_micros: int) -> workflow.Info:
    at = datetime.fromtimestamp(at_micros / 1e6, UTC)
    return workflow.Info(
        attempt=1,
        continued_run_id=start.continued_from or None,
        cron_schedule=None,
        execution_timeout=None,
        first_execution_run_id=start.run_id,
        headers={},
        namespace=NAMESPACE,
        original_execution_run_id=start.run_id,
        parent=None,
        root=None,
        priority=Priority.default,
        raw_memo={},
        retry_policy=None,
        run_id=start.run_id,
        run_timeout=None,
        search_attributes={},
        start_time=at,
        task_queue=TASK_QUEUE,
        task_timeout=timedelta(seconds=10),
        typed_search_attributes=TypedSearchAttributes.empty,
        workflow_id=start.workflow_id,
        workflow_start_time=at,
        workflow_type=start.workflow_type,
    )
