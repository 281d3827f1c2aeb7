"""A workflow's execution: runs its document. What the tasks do is in `stigmer_runner.interpreter`."""

import json

from stigmer_runner.durable.workflow_messages import INTERPRETER, WORKFLOW_ERROR, WorkflowRequest
from stigmer_runner.engine.temporalio_names import ApplicationError, workflow
from stigmer_runner.interpreter.failing import TaskFailed
from stigmer_runner.interpreter.run import DocumentRun, GoesOn


@workflow.defn(name=INTERPRETER)
class WorkflowInterpreter:
    """One execution of a document. A long one goes on as a new run, where its tasks allow it."""

    @workflow.init
    def __init__(self, request: WorkflowRequest) -> None:
        self._run = DocumentRun(request)

    @workflow.signal(name="signal")
    def heard(self, name: str, data_json: str, signal_id: str, is_event: bool = False) -> None:
        """A signal of that name with its data, or an event, of the type `name`, whose data is all of it. It waits until a task listens."""
        self._run.signal(name, data_json, signal_id, is_event=is_event)

    @workflow.signal
    def pause(self) -> None:
        """Begin no further task."""
        self._run.pause(True)

    @workflow.signal
    def resume(self) -> None:
        """Go on."""
        self._run.pause(False)

    @workflow.run
    async def run(self, request: WorkflowRequest) -> str:
        """The output, as JSON text. An error that nothing caught fails the run, with all of it as JSON text in the failure's detail."""
        try:
            try:
                output = await self._run.run()
            finally:
                await self._run.teller.finish()
        except TaskFailed as error:
            raise ApplicationError(
                error.problem.words(), json.dumps(error.problem.data()), type=WORKFLOW_ERROR, non_retryable=True
            ) from error
        except GoesOn as goes_on:
            workflow.continue_as_new(goes_on.request)
        return json.dumps(output)
